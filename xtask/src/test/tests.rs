use std::time::Duration;

use super::{STEPS, choose, display};

#[test]
fn no_names_mean_all_steps() {
    assert_eq!(choose(&[]).unwrap().len(), STEPS.len());
}

#[test]
fn named_steps_run_in_the_order_of_the_table() {
    let chosen = choose(&["rust".to_owned(), "format".to_owned()]).unwrap();
    let names: Vec<_> = chosen.iter().map(|step| step.name).collect();
    assert_eq!(names, ["format", "rust"]);
}

#[test]
fn an_unknown_step_is_an_error_that_names_it() {
    let error = choose(&["lnit".to_owned()]).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("`lnit`")));
}

#[test]
fn durations_are_short_to_read() {
    assert_eq!(display(Duration::from_millis(1_234)), "1.2 s");
    assert_eq!(display(Duration::from_secs(125)), "2 min 05 s");
}
