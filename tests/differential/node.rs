//! The wasm build under Node.js: a child process that takes requests as lines of JSON.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use flux_reducers::{Position, Rejection};
use flux_tests::interpreter::{Collections, QuerySpec};
use serde_json::{Value, json};

use crate::model::Ran;
use crate::sequence::Asked;

/// The Redux reducer of the interpreter, and its state.
pub(crate) struct Node {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let package = tests.join("../target/interpreter");
        assert!(
            package.join("flux_tests_interpreter_bg.wasm").is_file(),
            "the WebAssembly of the test is missing: run `cargo xtask test differential`, which \
             builds it and starts the databases"
        );
        let mut child = Command::new("node")
            .arg(tests.join("differential/node.cjs"))
            .arg(package)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js 20.19 or newer is needed: `node` does not start");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// Begins anew, with these collections and the empty state.
    pub(crate) fn open(&mut self, collections: &Collections) {
        self.ask(&json!({ "open": collections }));
    }

    /// Runs the same events, all or nothing, and compares the result.
    pub(crate) fn dispatch(&mut self, ran: &Ran) -> Result<(), String> {
        let actions: Vec<_> = ran.events.iter().map(|(action, _)| action).collect();
        let request = json!({ "actions": actions, "isRefused": ran.answer.is_err() });
        let found = self.ask(&json!({ "dispatch": request }));
        let changed = ran.events.iter().filter_map(|(_, result)| result.as_ref().ok());
        let changed: Vec<_> = changed.map(|delta| !delta.is_empty()).collect();
        let rejection = ran.events.iter().find_map(|(_, result)| result.as_ref().err());
        let expected =
            json!({ "changed": changed, "rejection": rejection.map(told), "isKept": true });
        if found == expected {
            Ok(())
        } else {
            Err(format!("expected {expected}\n   found {found}"))
        }
    }

    /// Returns the documents of each collection; of the log those after a position.
    pub(crate) fn documents(&mut self, after: Position) -> Value {
        self.ask(&json!({ "documents": after }))
    }

    /// Asks each collection's query, and compares the ids found, or what is wrong with it.
    pub(crate) fn query<'a>(
        &mut self,
        asked: impl Iterator<Item = (&'a Asked, Result<Vec<Value>, Rejection>)>,
    ) -> Result<(), String> {
        let (asked, expected): (Vec<_>, Vec<_>) = asked.unzip();
        let requests = asked.iter().map(|Asked { collection, query }| {
            let order = query.order.iter().map(|(field, is_descending)| {
                if *is_descending { format!("-{field}") } else { field.clone() }
            });
            let QuerySpec { filter, limit, offset, .. } = query;
            let order: Vec<_> = order.collect();
            let mut query = json!({ "filter": filter, "order": order, "offset": offset });
            if let Some(limit) = limit {
                query["limit"] = json!(limit);
            }
            json!([collection, query.to_string()])
        });
        let requests: Vec<_> = requests.collect();
        let found = self.ask(&json!({ "queries": requests }));
        for (number, expected) in expected.into_iter().enumerate() {
            let expected = match expected {
                Ok(ids) => json!({ "ids": ids }),
                Err(rejection) => {
                    json!({ "message": format!("{} ({})", rejection.message(), rejection.code()) })
                }
            };
            if found[number] != expected {
                let (query, found) = (&requests[number], &found[number]);
                return Err(format!("{query}\nexpected {expected}\n   found {found}"));
            }
        }
        Ok(())
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").expect("Node.js has ended");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("Node.js has ended");
        serde_json::from_str(&answer).expect("Node.js has thrown, see above")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn told(rejection: &Rejection) -> Value {
    json!({
        "code": rejection.code(),
        "message": rejection.message(),
        "field": rejection.field(),
    })
}
