//! `anchor run migrate -- …`: plans a deployment, does it, or prints its messages for who signs elsewhere.

use anyhow::{bail, Context, Result};
use base64::Engine;
use clap::{Args, Parser};
use migrations::{apply, plan, read, Applied, Deployment, KeyFiles, Keys, Plan, Planned, Role, Standing};
use perps::keypair;
use perps::rpc::{cluster_url, RpcChain};
use serde_json::json;
use solana_message::Message;
use std::io::{stderr, stdin, stdout, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  migrations --config migrations/localnet.toml
  migrations --config mainnet.toml --url https://api.mainnet-beta.solana.com --plan --json
  migrations --config mainnet.toml --apply --keypair authority=authority.json --keypair admin=admin.json --keypair seeder=seeder.json
  migrations --config mainnet.toml --unsigned

migrations/mainnet.example.toml says what a file can name. A step is done once: what is there is left alone, so that a deployment that was
broken off goes on where it stopped. Exit codes: 0 done, or can be done; 1 could not be, or a step cannot be; 2 bad usage.";

/// A deployment in numbered steps: 1 the exchange, 2 the market, 3 the first deposit to the pool, 4 insurance, 5 layouts of accounts.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// The TOML file that describes the deployment
    #[arg(long, value_name = "FILE", alias = "file")]
    config: PathBuf,
    #[command(flatten)]
    mode: Mode,
    /// JSON-RPC of the cluster, or a moniker: mainnet-beta, testnet, devnet, localhost, or m, t, d, l [default: of the file, else of a localnet]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The key of a role, authority, admin or seeder [default: of the file]
    #[arg(long, value_name = "ROLE=FILE", value_parser = role_and_file)]
    keypair: Vec<(Role, PathBuf)>,
    /// Do not ask before each step
    #[arg(short, long)]
    yes: bool,
    /// Answer with a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(multiple = false)]
struct Mode {
    /// Say what each step would do, without keys; the default
    #[arg(long)]
    plan: bool,
    /// Do what is due, step by step
    #[arg(long)]
    apply: bool,
    /// Print the message of each step that is due in base64, for a multisignature or another signer's tool
    #[arg(long)]
    unsigned: bool,
}

fn role_and_file(text: &str) -> Result<(Role, PathBuf), String> {
    let (role, file) = text.split_once('=').ok_or("write ROLE=FILE, such as admin=admin.json")?;
    Ok((role.parse()?, PathBuf::from(file)))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments, &mut stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if arguments.json && !error.is::<Answered>() {
                println!("{}", json!({ "error": format!("{error:#}") }));
            }
            ExitCode::FAILURE
        }
    }
}

/// A failure that the answer itself reports, so that who reads JSON needs no second object.
#[derive(Debug)]
struct Answered(String);

impl std::fmt::Display for Answered {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Answered {}

fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<()> {
    let described = read(&arguments.config)?;
    let url = cluster_url(arguments.url.as_deref().or(described.url.as_deref()).unwrap_or("localhost"));
    let chain = RpcChain::new(&url);
    let deployment = described.deployment;
    if arguments.mode.apply {
        let keys = keys(&described.key_files, &arguments.keypair)?;
        return do_it(arguments, &chain, &deployment, &keys, out);
    }
    let plan = plan(&chain, &deployment)?;
    if arguments.mode.unsigned {
        return tell_unsigned(&plan, arguments.json, out);
    }
    if arguments.json {
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&json!({ "url": url, "done": plan.is_done(), "steps": plan.to_json() }))?
        )?;
    } else {
        writeln!(out, "On {url}:")?;
        plan.write(out)?;
    }
    refuse_blocked(&plan)
}

fn refuse_blocked(plan: &Plan) -> Result<()> {
    match plan.first_blocked() {
        Some(step) => Err(Answered(format!("step {}, {}, cannot be done", step.number(), step.name())).into()),
        None => Ok(()),
    }
}

/// The keys given, else those that the file names.
fn keys(named: &KeyFiles, given: &[(Role, PathBuf)]) -> Result<Keys> {
    let mut files = named.clone();
    files.extend(given.iter().cloned());
    let mut keys = Keys::new();
    for (role, file) in files {
        keys = keys.with(role, keypair::read(&file.to_string_lossy()).with_context(|| format!("the key of {role}"))?);
    }
    Ok(keys)
}

fn do_it(arguments: &Arguments, chain: &RpcChain, deployment: &Deployment, keys: &Keys, out: &mut dyn Write) -> Result<()> {
    let mut told = vec![];
    let mut tell = |applied: &Applied| {
        if arguments.json {
            told.push(to_json(applied));
            return Ok(());
        }
        applied.planned.write(out)?;
        if let Some(landed) = &applied.landed {
            writeln!(out, "  by transaction {} in slot {}", landed.signature, landed.slot)?;
        }
        Ok(())
    };
    let outcome = apply(chain, deployment, keys, &mut |planned| ask(arguments, planned), &mut tell);
    if !arguments.json {
        return outcome;
    }
    // What was done before a failure is told too.
    let error = outcome.err().map(|error| format!("{error:#}"));
    writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "done": error.is_none(), "steps": told, "error": error }))?)?;
    error.map_or(Ok(()), |error| Err(Answered(error).into()))
}

fn to_json(applied: &Applied) -> serde_json::Value {
    let mut said = applied.planned.to_json();
    if let (Some(fields), Some(landed)) = (said.as_object_mut(), &applied.landed) {
        fields.insert("signature".to_owned(), landed.signature.to_string().into());
        fields.insert("slot".to_owned(), landed.slot.into());
    }
    said
}

fn ask(arguments: &Arguments, planned: &Planned) -> Result<()> {
    if arguments.yes {
        return Ok(());
    }
    if !stdin().is_terminal() || arguments.json {
        bail!("there is nobody to ask; say --yes, or --plan to see what would be done");
    }
    let mut screen = stderr();
    planned.write(&mut screen)?;
    write!(screen, "Sign and send? [y/N] ")?;
    screen.flush()?;
    let mut reply = String::new();
    stdin().read_line(&mut reply)?;
    if !matches!(reply.trim(), "y" | "Y" | "yes") {
        bail!("nothing was signed");
    }
    Ok(())
}

/// Messages without a blockhash, which the signer's tool puts in. Those of later steps serve once the earlier ones have landed.
fn tell_unsigned(plan: &Plan, json: bool, out: &mut dyn Write) -> Result<()> {
    let due = plan.0.iter().filter_map(|planned| match &planned.standing {
        Standing::Due(work) => Some((planned.step, work)),
        _ => None,
    });
    let mut messages = vec![];
    for (step, work) in due {
        let message = Message::new(&work.instructions, Some(&work.signer)).serialize();
        let text = base64::engine::general_purpose::STANDARD.encode(message);
        if !json {
            writeln!(out, "{} {}: {}\n  signer {}\n  {text}", step.number(), step.name(), work.what, work.signer)?;
        }
        messages.push(json!({ "step": step.number(), "what": work.what, "signer": work.signer.to_string(), "message": text }));
    }
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "messages": messages }))?)?;
    } else if messages.is_empty() {
        writeln!(out, "Nothing is due.")?;
    }
    refuse_blocked(plan)
}
