//! A proxy before the server of `wasm-bindgen-test-runner`, which forgets connections.
//!
//! That server (tiny_http 0.12, `TaskPool::spawn`) keeps a thread for each connection that stays
//! open. Of several that come at once one may be put into the queue for a thread that another has
//! got, and is answered when that other one is closed: in minutes. Here each request has a connection
//! of its own, which ends with the answer.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

use anyhow::Context as _;

/// Listens on a free port, for as long as this process lives.
pub(crate) fn start() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || forward(&client));
        }
    });
    Ok(address)
}

/// Answers one request. A browser that leaves early is nothing to tell of.
fn forward(mut client: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let Some((host, request)) = for_the_server(&first) else { return Ok(()) };
    let mut server = TcpStream::connect(host)?;
    write!(server, "{request}\r\n")?;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if !is_of_the_connection(&line) {
            write!(server, "{line}\r\n")?;
        }
    }
    write!(server, "Connection: close\r\n\r\n")?;
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// Returns the host of a request to a proxy, and the first line that the host expects.
fn for_the_server(line: &str) -> Option<(&str, String)> {
    let mut parts = line.split(' ');
    let (method, url, version) = (parts.next()?, parts.next()?, parts.next()?);
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    Some((host, format!("{method} /{path} {version}")))
}

fn is_of_the_connection(header: &str) -> bool {
    let name = header.split(':').next().unwrap_or_default();
    ["connection", "proxy-connection"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_request_is_answered_by_its_host_and_the_connection_closed() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = server.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut connection, _) = server.accept().unwrap();
            let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
            let read = |line: io::Result<String>| line.unwrap();
            let request: Vec<_> =
                lines.by_ref().map(read).take_while(|it| !it.is_empty()).collect();
            connection.write_all(b"HTTP/1.1 200 OK\r\n\r\nhere").unwrap();
            request
        });
        let mut client = TcpStream::connect(start().unwrap()).unwrap();
        let request = format!(
            "GET http://{host}/run.js HTTP/1.1\r\nHost: {host}\r\nProxy-Connection: keep-alive\r\n\r\n"
        );
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nhere"), "{answer}");
        let host = format!("Host: {host}");
        assert_eq!(served.join().unwrap(), ["GET /run.js HTTP/1.1", &host, "Connection: close"]);
    }
}
