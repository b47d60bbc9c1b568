//! A network between a server and its database that can be made as bad as it gets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

const BUFFER_BYTES: usize = 16 * 1024;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Carries everything.
    Well,
    /// Carries everything so much later, each way.
    Slow(Duration),
    /// Cuts a connection after a random number of bytes either way, at most so many: in the middle
    /// of a statement, or between a commit and its answer.
    Cutting(usize),
    /// Cuts all connections and takes no new one.
    Refusing,
    /// Takes every connection and carries nothing. What is lost in it stays silent for ever, and
    /// the database is not told that the other end is gone.
    Silent,
}

/// A proxy before a database.
pub(crate) struct Proxy {
    /// The URL of the database through the proxy.
    pub(crate) url: String,
    network: watch::Sender<Network>,
    /// How many connections were cut.
    cuts: watch::Sender<usize>,
    runs: JoinHandle<()>,
}

impl Proxy {
    /// Starts one before the database of this URL.
    pub(crate) async fn start(url: &str) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (database, path) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, cuts) = (watch::Sender::new(Network::Well), watch::Sender::new(0));
        let route = Route {
            database: database.to_owned(),
            network: network.subscribe(),
            cuts: cuts.clone(),
        };
        let runs = tokio::spawn(run(listener, address, route));
        Self { url: format!("{before}@{address}/{path}"), network, cuts, runs }
    }

    /// Makes the network another one, from the next byte on.
    pub(crate) fn becomes(&self, network: Network) {
        self.network.send(network).unwrap();
    }

    /// Waits until that many more connections are cut.
    pub(crate) async fn cut(&self, more: usize) {
        let mut cuts = self.cuts.subscribe();
        let until = *cuts.borrow_and_update() + more;
        cuts.wait_for(|cuts| *cuts >= until).await.unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

/// Where connections go, and how.
#[derive(Clone)]
struct Route {
    database: String,
    network: watch::Receiver<Network>,
    cuts: watch::Sender<usize>,
}

impl Route {
    fn is(&self, network: Network) -> bool {
        *self.network.borrow() == network
    }
}

/// Takes connections; none has to listen for others to be refused.
async fn run(mut listener: TcpListener, address: SocketAddr, mut route: Route) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                connections.spawn(connect(client, route.clone()));
                continue;
            }
            changed = route.network.changed() => changed.unwrap(),
        }
        if route.is(Network::Refusing) {
            drop(listener);
            route.network.wait_for(|network| *network != Network::Refusing).await.unwrap();
            listener = TcpListener::bind(address).await.unwrap();
        }
    }
}

async fn connect(mut client: TcpStream, mut route: Route) {
    if route.is(Network::Silent) {
        // It stays so, even where the network is well again.
        let mut swallowed = [0; BUFFER_BYTES];
        while client.read(&mut swallowed).await.is_ok_and(|count| count > 0) {}
        return;
    }
    let Ok(database) = TcpStream::connect(&route.database).await else { return };
    client.set_nodelay(true).unwrap();
    database.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_database, to_database) = database.into_split();
    let (there, back) = (route.network.clone(), route.network.clone());
    tokio::select! {
        _ = carry(from_client, to_database, there) => {}
        _ = carry(from_database, to_client, back) => {}
        _ = route.network.wait_for(|network| *network == Network::Refusing) => {}
    }
    if matches!(*route.network.borrow(), Network::Cutting(_) | Network::Refusing) {
        route.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// Carries bytes one way, until that end is closed or the connection is to be cut.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    network: watch::Receiver<Network>,
) -> io::Result<()> {
    let mut buffer = [0; BUFFER_BYTES];
    let random = Uuid::new_v4().as_u128() as usize;
    let mut carried = 0;
    loop {
        let count = from.read(&mut buffer).await?;
        let network = *network.borrow();
        match network {
            Network::Silent => {
                while from.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
                return std::future::pending().await;
            }
            Network::Slow(delay) => sleep_until(Instant::now() + delay).await,
            Network::Refusing => return Ok(()),
            Network::Cutting(most) => {
                carried += count;
                if carried > random % most {
                    return Ok(());
                }
            }
            Network::Well => {}
        }
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count]).await?;
    }
}
