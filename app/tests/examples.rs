//! The library's examples run as they stand.

use std::path::PathBuf;
use std::process::Command;

/// Cargo builds examples beside the tests' own folder.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let examples = test.parent().and_then(|deps| deps.parent()).expect("tests are in target/<profile>/deps").join("examples");
    examples.join(name)
}

#[test]
fn the_one_in_process_opens_a_short_that_cannot_be_liquidated() {
    let output = Command::new(example("in_process")).output().expect("the example is built");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    // $60,000 less the confidence of $10: a short sells at the bid.
    assert!(text.contains("filled at 5999000000000 "), "{text}");
    assert!(text.contains("liquidated Never"), "{text}");
}
