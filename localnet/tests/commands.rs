//! Every example of `perps --help`, of its subcommands' help and of the guides works on a localnet.
//!
//! `examples.txt` is the order in which they are run: an example, or after `+` a line that prepares the next ones, or after `!` and the
//! name of a rule an example that the program refuses on a localnet (it would take days). `as NAME` changes who signs, `wait N` waits
//! seconds, `price N` moves the price.

mod common;

use common::script::Desk;
use common::{perps_binary, Keeper, Person};
use localnet::testing::Localnet;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn help(path: &[String]) -> String {
    let output = Command::new(perps_binary()).args(path).arg("--help").output().expect("perps runs");
    assert!(output.status.success(), "perps {path:?} --help");
    String::from_utf8(output.stdout).expect("help is text")
}

/// Lines of a part of the help, between its title and the next empty line.
fn part<'a>(help: &'a str, title: &str) -> Vec<&'a str> {
    help.lines().skip_while(|line| line.trim() != title).skip(1).take_while(|line| !line.trim().is_empty()).collect()
}

/// The examples of a command and of all below it.
fn examples(path: &mut Vec<String>, found: &mut BTreeSet<String>) {
    let text = help(path);
    let lines = part(&text, "Examples:");
    assert!(!lines.is_empty(), "perps {path:?} --help has no example");
    found.extend(lines.iter().map(|line| line.trim().to_owned()).filter(|line| line.starts_with("perps ")));
    for line in part(&text, "Commands:") {
        let name = line.split_whitespace().next().unwrap_or_default().to_owned();
        if !line.starts_with("  ") || line.starts_with("    ") || name == "help" {
            continue;
        }
        path.push(name);
        examples(path, found);
        path.pop();
    }
}

enum Wanted<'a> {
    Done,
    Refused(&'a str),
}

fn check(desk: &Desk, line: &str, wanted: &Wanted) {
    println!("$ {line}"); // shown where the test fails
    let ran = desk.run(line);
    match wanted {
        Wanted::Done => assert_eq!(ran.code, Some(0), "{line}\n{}\n{}", ran.err, ran.out),
        Wanted::Refused(rule) => {
            assert_eq!(ran.code, Some(3), "{line}\n{}\n{}", ran.err, ran.out);
            assert!(ran.err.contains(rule), "{line} was to be refused for {rule}\n{}", ran.err);
        }
    }
}

/// A line of `examples.txt`.
enum Step<'a> {
    As(&'a str),
    Wait(Duration),
    Price(&'a str),
    /// Prepares the next ones.
    Before(&'a str),
    Example(&'a str, Wanted<'a>),
}

impl<'a> Step<'a> {
    fn read(line: &'a str) -> Self {
        let (first, rest) = line.split_once(' ').expect("every line has words");
        match first {
            "as" => Step::As(rest),
            "wait" => Step::Wait(Duration::from_secs(rest.parse().expect("seconds"))),
            "price" => Step::Price(rest),
            "+" => Step::Before(rest),
            "!" => {
                let (rule, line) = rest.split_once(' ').expect("a rule and a line");
                Step::Example(line, Wanted::Refused(rule))
            }
            _ => Step::Example(line, Wanted::Done),
        }
    }
}

fn script() -> Vec<Step<'static>> {
    let lines = include_str!("examples.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Step::read).collect()
}

#[test]
fn every_command_s_help_has_examples_and_the_script_runs_them_all() {
    let mut known = BTreeSet::new();
    examples(&mut vec![], &mut known);
    let example = |step| match step {
        Step::Example(line, _) => Some(line.to_owned()),
        _ => None,
    };
    let ran: BTreeSet<String> = script().into_iter().filter_map(example).collect();
    let missing: Vec<_> = known.difference(&ran).collect();
    let strange: Vec<_> = ran.difference(&known).collect();
    assert!(missing.is_empty() && strange.is_empty(), "not run: {missing:#?}\nin no help: {strange:#?}");
}

#[test]
fn every_example_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let net = Localnet::start_with(folder.path(), &["--price", "60000"]).expect("the localnet starts");
    net.tell(&["price", "set", "60000"]).expect("the publisher heeds");
    let home = tempfile::tempdir().expect("a folder");
    let desk = Desk::new(&net, home.path());
    let robot = Person::with(&net, folder.path(), "robot", "0.001");
    let _keeper = Keeper::start(&robot, &folder.path().join("keeper.log"));
    for step in script() {
        match step {
            Step::As(name) => desk.sign_as(name),
            Step::Wait(time) => std::thread::sleep(time),
            Step::Price(price) => drop(net.tell(&["price", "set", price]).expect("the publisher heeds")),
            Step::Before(line) => check(&desk, line, &Wanted::Done),
            Step::Example(line, wanted) => check(&desk, line, &wanted),
        }
    }
}

/// The lines of a guide's shell blocks.
fn shell_lines(guide: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(guide);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut inside = false;
    let mut lines = vec![];
    for line in text.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside && !command.is_empty() && !command.starts_with('#') => lines.push(command.to_owned()),
            _ => (),
        }
    }
    lines
}

#[test]
fn every_command_of_the_guides_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let net = Localnet::start_with(folder.path(), &["--price", "60000"]).expect("the localnet starts");
    net.tell(&["price", "set", "60000"]).expect("the publisher heeds");
    let robot = Person::with(&net, folder.path(), "robot", "0.001");
    let _keeper = Keeper::start(&robot, &folder.path().join("keeper.log"));
    for (guide, reader) in [("traders.md", "alice"), ("keepers.md", "keeper"), ("operations.md", "admin")] {
        let home = tempfile::tempdir().expect("a folder");
        let desk = Desk::new(&net, home.path());
        desk.sign_as(reader);
        let lines = shell_lines(guide);
        assert!(lines.len() > 3, "{guide} has commands");
        for line in lines {
            match line.strip_prefix("sleep ") {
                Some(seconds) => std::thread::sleep(Duration::from_secs(seconds.parse().expect("seconds"))),
                None => check(&desk, &line, &Wanted::Done),
            }
        }
    }
}
