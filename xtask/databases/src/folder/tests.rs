use super::{LOG_LINES_MAX, last_lines, launcher};
use crate::kind::Kind;

#[test]
fn root_becomes_the_user_of_the_server() {
    let words = launcher(Kind::Postgres, true, true).unwrap();
    let user = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
    assert_eq!(words[..2], ["setpriv", "--pdeathsig=INT"]);
    assert_eq!(words[2..], user);
}

#[test]
fn another_user_stays_who_it_is() {
    let words = launcher(Kind::MariaDb, false, true).unwrap();
    assert_eq!(words, ["setpriv", "--pdeathsig=TERM", "--"]);
    assert!(launcher(Kind::MariaDb, false, false).unwrap().is_empty());
}

#[test]
fn root_that_cannot_become_another_user_is_told_what_to_install() {
    let error = launcher(Kind::MariaDb, true, false).unwrap_err();
    assert!(error.to_string().contains("util-linux"), "{error}");
}

#[test]
fn the_end_of_a_log_is_its_last_lines() {
    assert_eq!(last_lines("short\nlog\n"), "short\nlog");
    let long: Vec<String> = (0..=LOG_LINES_MAX).map(|line| line.to_string()).collect();
    assert_eq!(last_lines(&long.join("\n")), long[1..].join("\n"));
}
