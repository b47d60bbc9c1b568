//! `cargo xtask test`: runs the steps in order and says how long each took.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use xshell::Shell;

use crate::{
    steps::{STEPS, Step},
    tools,
};

/// Prints the name of each step and what it does.
pub(crate) fn list() {
    for step in STEPS {
        println!("{:<14} {}", step.name, step.what);
    }
}

/// Runs the named steps, or all; the first failure ends it.
pub(crate) fn run(shell: &Shell, names: &[String]) -> anyhow::Result<()> {
    let steps = choose(names)?;
    let mut durations = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n=== {} ({} of {}): {}", step.name, index + 1, steps.len(), step.what);
        let start = Instant::now();
        tools::ensure(shell, step.tools).and_then(|()| (step.run)(shell)).with_context(|| {
            format!(
                "step `{name}` failed after {}; to run just this step: cargo xtask test {name}",
                display(start.elapsed()),
                name = step.name
            )
        })?;
        durations.push(start.elapsed());
        println!("=== {} took {}", step.name, display(start.elapsed()));
    }
    println!("\nstep           duration");
    for (step, duration) in steps.iter().zip(&durations) {
        println!("{:<14} {:>8}", step.name, display(*duration));
    }
    println!("{:<14} {:>8}", "all", display(durations.iter().sum()));
    println!("\nsteps: {} passed, 0 failed", steps.len());
    Ok(())
}

/// Returns the steps of these names in the order of the table, or all when there are no names.
fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Step>> {
    for name in names {
        anyhow::ensure!(
            STEPS.iter().any(|step| step.name == name),
            "there is no step `{name}`; `cargo xtask test --list` lists them"
        );
    }
    Ok(STEPS
        .iter()
        .filter(|step| names.is_empty() || names.iter().any(|name| name == step.name))
        .collect())
}

fn display(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), (seconds % 60.0).floor())
    }
}

#[cfg(test)]
mod tests;
