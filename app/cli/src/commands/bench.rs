//! `perps bench`: what each instruction costs, measured on the ELF.

mod exits;
mod governance;
mod orders;

use anyhow::{Context, Result};
use clap::Args;
use inverse_perps::instructions::{CreateMarketArgs, InitializeExchangeArgs, PositionDirection};
use inverse_perps::state::{Exchange, Market, OracleSource, Order, PendingUpdate, Position, Settlement, Withdrawal};
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::params::Params;
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Price, Scale};
use perps::client::instructions;
use perps::local::{program_elf, LocalChain, Tick, Trader};
use serde::Serialize;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::collections::BTreeSet;
use std::io::Write;

const START: i64 = 1_700_000_000;
const BITCOIN: u64 = 100_000_000;
const DOLLAR_E6: u64 = 1_000_000;

/// Examples for `--help`.
pub const EXAMPLES: &str = "Examples:
  perps bench
  perps bench --json";

/// Compute units, accounts and bytes of every instruction, measured on the SBF program.
///
/// Each is measured in two states. `fresh`: nothing deleveraged, nothing to accrue or settle. `general`: both sides open and
/// deleveraged before (scale below one), an hour since the last accrual, a position with old snapshots, shares in the queue, a partial
/// liquidation.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {}

#[derive(Debug, Serialize)]
struct Row {
    instruction: &'static str,
    state: &'static str,
    compute_units: u64,
    accounts: usize,
    transaction_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    instructions: Vec<Row>,
    elf_bytes: u64,
    exchange_account_bytes: usize,
    market_account_bytes: usize,
    position_account_bytes: usize,
    order_account_bytes: usize,
    settlement_account_bytes: usize,
    withdrawal_account_bytes: usize,
    pending_update_account_bytes: usize,
}

/// Runs the benchmark.
///
/// # Errors
/// Where the ELF cannot be built or an instruction is refused.
pub fn run(_arguments: &Arguments, json: bool, out: &mut impl Write) -> Result<()> {
    let elf = program_elf()?;
    let mut instructions = Vec::new();
    for state in [State::Fresh, State::General] {
        instructions.extend(Scene::set(&elf, state)?.rows()?);
    }
    let report = Report {
        instructions,
        elf_bytes: std::fs::metadata(&elf)?.len(),
        exchange_account_bytes: 8 + <Exchange as anchor_lang::Space>::INIT_SPACE,
        market_account_bytes: Market::SPACE,
        position_account_bytes: Position::SPACE,
        order_account_bytes: Order::SPACE,
        settlement_account_bytes: Settlement::SPACE,
        withdrawal_account_bytes: Withdrawal::SPACE,
        pending_update_account_bytes: PendingUpdate::SPACE,
    };
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        return Ok(());
    }
    writeln!(out, "{:<28}{:>8}{:>10}{:>10}{:>8}", "instruction", "state", "units", "accounts", "bytes")?;
    for row in &report.instructions {
        let Row { instruction, state, compute_units, accounts, transaction_bytes } = row;
        writeln!(out, "{instruction:<28}{state:>8}{compute_units:>10}{accounts:>10}{transaction_bytes:>8}")?;
    }
    writeln!(
        out,
        "\nELF {} bytes; accounts: exchange {}, market {}, position {}, order {}, settlement {}, withdrawal {}, proposal {} bytes",
        report.elf_bytes,
        report.exchange_account_bytes,
        report.market_account_bytes,
        report.position_account_bytes,
        report.order_account_bytes,
        report.settlement_account_bytes,
        report.withdrawal_account_bytes,
        report.pending_update_account_bytes
    )?;
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    General,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Fresh => "fresh",
            State::General => "general",
        }
    }
}

/// A market with a pool, a long, a short, a flat position and somebody to liquidate.
struct Scene {
    chain: LocalChain,
    state: State,
    long: Trader,
    short: Trader,
    flat: Trader,
    provider: Trader,
    shares: solana_address::Address,
    liquidatable: Trader,
}

fn tick(dollars: u64) -> Tick {
    let price = dollars * BITCOIN;
    Tick { price_e8: price, confidence_e8: price / 2_000, ema_e8: price }
}

impl Scene {
    fn set(elf: &std::path::Path, state: State) -> Result<Self> {
        let mut chain = LocalChain::start_filling(elf, Params::standard(), tick(60_000), START, Fills::Instant)?;
        let mut trader = |byte: u8| chain.trader(Keypair::new_from_array([byte; 32]), 1_000 * BITCOIN);
        let (long, short, flat) = (trader(1)?, trader(2)?, trader(3)?);
        let (provider, liquidatable) = (trader(4)?, trader(5)?);
        let lp_mint = chain.keys.lp_mint;
        let shares = chain.token_account(&provider.keypair, &lp_mint)?;
        let opening = [
            (&provider, chain.deposit_liquidity(&provider, shares, 100 * BITCOIN)),
            (&provider, chain.fund_insurance(&provider, BITCOIN)),
            (&long, chain.deposit(&long, 2 * BITCOIN)),
            (&short, chain.deposit(&short, 2 * BITCOIN)),
            (&flat, chain.deposit(&flat, 2 * BITCOIN)),
            (&long, chain.increase(&long, PositionDirection::Long, 500_000 * DOLLAR_E6)),
            (&short, chain.increase(&short, PositionDirection::Short, 300_000 * DOLLAR_E6)),
            (&liquidatable, chain.deposit(&liquidatable, BITCOIN / 25)),
            (&liquidatable, chain.increase(&liquidatable, PositionDirection::Long, 100_000 * DOLLAR_E6)),
        ];
        for (signer, instruction) in opening {
            chain.send(&[instruction], &signer.keypair)?;
        }
        let mut scene = Self { chain, state, long, short, flat, provider, shares, liquidatable };
        match state {
            State::Fresh => {
                scene.chain.advance(120);
                scene.chain.post(tick(60_000))?;
                scene.settle_all()?;
            }
            State::General => {
                scene.deleverage_both_sides()?;
                scene.queue_shares()?;
                scene.chain.advance(3_600);
                scene.chain.post(tick(60_000))?;
            }
        }
        Ok(scene)
    }

    /// Leaves nothing to accrue and no position with old snapshots.
    fn settle_all(&mut self) -> Result<()> {
        for position in [self.long.position, self.short.position, self.liquidatable.position] {
            let settle = self.chain.settle(position);
            self.chain.send(&[settle], &self.provider.keypair)?;
        }
        self.chain.svm.expire_blockhash();
        Ok(())
    }

    /// What a deleveraging leaves behind: both sides a sixth smaller, exit index and reservation accordingly.
    fn deleverage_both_sides(&mut self) -> Result<()> {
        edit_market(&mut self.chain, |market| {
            let price = Price::new(60_000 * BITCOIN);
            let smaller = |scale: Scale| Scale::new(scale.get() / 6 * 5);
            market.long.shrink(Direction::Long, smaller(market.long.scale), price)?;
            market.short.shrink(Direction::Short, smaller(market.short.scale), price)?;
            Ok(())
        })
    }

    /// A tenth of the pool waits for its withdrawal.
    fn queue_shares(&mut self) -> Result<()> {
        let (keys, provider) = (self.chain.keys, &self.provider);
        let request = instructions::request_withdrawal(&keys, provider.address(), self.shares, 0, 10 * BITCOIN);
        self.chain.send(&[request], &provider.keypair)?;
        Ok(())
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let Self { chain, long, short, flat, provider, .. } = self;
        let mut rows = vec![
            self.measure_initialize_exchange()?,
            self.measure_create_market()?,
            self.measure("create_position", instructions::create_position(&chain.keys, flat.address(), 1), &flat.keypair)?,
            self.measure("deposit_collateral", chain.deposit(long, BITCOIN), &long.keypair)?,
            self.measure("withdraw_collateral", chain.withdraw(long, BITCOIN / 10), &long.keypair)?,
            self.measure(
                "increase_position",
                chain.increase(long, PositionDirection::Long, 50_000 * DOLLAR_E6),
                &long.keypair,
            )?,
            self.measure(
                "decrease_position",
                chain.decrease(short, PositionDirection::Short, Some(50_000 * DOLLAR_E6)),
                &short.keypair,
            )?,
            self.measure("deposit_liquidity", chain.deposit_liquidity(provider, self.shares, BITCOIN), &provider.keypair)?,
            self.measure("accrue_funding", chain.accrue(), &provider.keypair)?,
            self.measure("settle_position", chain.settle(long.position), &provider.keypair)?,
            self.measure("fund_insurance", chain.fund_insurance(provider, BITCOIN), &provider.keypair)?,
            self.measure_liquidate()?,
        ];
        let mut closing = chain.clone();
        let create = instructions::create_position(&chain.keys, flat.address(), 1);
        closing.send(&[create], &flat.keypair)?;
        let position = chain.keys.position(&flat.address(), 1);
        let close = instructions::close_position_account(&chain.keys, flat.address(), position);
        rows.push(measure_on(closing, "close_position_account", self.state, close, &flat.keypair)?);
        rows.extend(self.order_rows()?);
        rows.extend(self.exit_rows()?);
        rows.extend(self.governance_rows()?);
        Ok(rows)
    }

    fn measure(&self, name: &'static str, instruction: Instruction, signer: &Keypair) -> Result<Row> {
        measure_on(self.chain.clone(), name, self.state, instruction, signer)
    }

    /// On a chain whose exchange has been taken away again.
    fn measure_initialize_exchange(&self) -> Result<Row> {
        let mut chain = self.chain.clone();
        let admin = chain.admin();
        chain
            .svm
            .set_account(chain.exchange(), solana_account::Account::default())
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let who = admin.pubkey();
        let args = InitializeExchangeArgs { admin: who, guardian: who, fee_recipient: who, timelock_seconds: 3 * 86_400 };
        measure_on(chain, "initialize_exchange", self.state, instructions::initialize_exchange(who, args), &admin)
    }

    fn measure_create_market(&self) -> Result<Row> {
        let admin = self.chain.admin();
        let oracle = OracleSource::PythPull { feed_id: perps::local::FEED_ID };
        let args = CreateMarketArgs { index: 1, oracle, params: Params::standard(), instant_fills: true };
        let create = instructions::create_market(admin.pubkey(), self.chain.keys.mint, self.chain.price, args);
        self.measure("create_market", create, &admin)
    }

    /// After a fall of the price that leaves the victim below maintenance, but with enough for a partial liquidation.
    fn measure_liquidate(&self) -> Result<Row> {
        let mut chain = self.chain.clone();
        let fallen = match self.state {
            State::Fresh => 59_250,
            State::General => 58_950,
        };
        chain.advance(1);
        chain.post(tick(fallen))?;
        let liquidate = chain.liquidate(self.liquidatable.position, self.provider.tokens);
        let row = measure_on(chain.clone(), "liquidate", self.state, liquidate.clone(), &self.provider.keypair)?;
        chain.send(&[liquidate], &self.provider.keypair)?;
        let left = chain.position(&self.liquidatable.position)?;
        anyhow::ensure!(!left.state.shares.is_zero(), "the benchmark's liquidation was meant to be partial");
        Ok(row)
    }
}

/// Writes a market's state that transactions reach slowly.
fn edit_market(
    chain: &mut LocalChain,
    edit: impl FnOnce(&mut inverse_perps_engine::Market) -> inverse_perps_engine::Result<()>,
) -> Result<()> {
    let mut market = chain.market()?;
    edit(&mut market.state)?;
    let address = chain.keys.market;
    let mut account = chain.svm.get_account(&address).context("the market is gone")?;
    account.data[8..].copy_from_slice(bytemuck::bytes_of(&market));
    chain.svm.set_account(address, account).map_err(|error| anyhow::anyhow!("market: {error:?}"))
}

fn measure_on(
    mut chain: LocalChain,
    name: &'static str,
    state: State,
    instruction: Instruction,
    signer: &Keypair,
) -> Result<Row> {
    let accounts = instruction.accounts.iter().map(|meta| meta.pubkey).collect::<BTreeSet<_>>().len();
    let transaction = chain.transaction(std::slice::from_ref(&instruction), signer);
    let transaction_bytes = 1 + 64 * transaction.signatures.len() + transaction.message.serialize().len();
    let sent =
        chain.send(&[instruction], signer).with_context(|| format!("{name} was refused in the {} state", state.name()))?;
    Ok(Row { instruction: name, state: state.name(), compute_units: sent.compute_units_consumed, accounts, transaction_bytes })
}
