//! What a market needs before somebody trades: the exchange, the market, a pool, insurance, and a trader with money. Each step is
//! taken where its outcome is missing, so that a set-up that was broken off goes on.

use crate::genesis::{mint, MARKET_INDEX};
use crate::keys::Keys;
use crate::stop::Stop;
use crate::tokens;
use anyhow::{bail, Context, Result};
use inverse_perps::instructions::{CreateMarketArgs, InitializeExchangeArgs};
use inverse_perps::state::OracleSource;
use inverse_perps_engine::params::Params;
use inverse_perps_engine::units::{Notional, Sats, Seconds};
use perps::chain::Chain;
use perps::client::addresses::associated_tokens;
use perps::client::instructions::{create_market, deposit_liquidity, fund_insurance, initialize_exchange, LiquidityDeposit};
use perps::client::pyth::{feed_account, BTC_USD_FEED};
use perps::client::tokens::create_associated_tokens;
use perps::client::{exchange, MarketKeys};
use perps::transaction::{Priority, Sender};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::time::{Duration, Instant};

const BITCOIN: u64 = 100_000_000;
/// What the pool begins with.
pub const POOL_SATS: u64 = 50 * BITCOIN;
/// What insurance begins with.
pub const INSURANCE_SATS: u64 = BITCOIN;
/// What alice begins with.
pub const ALICE_SATS: u64 = 2 * BITCOIN;
/// How long a change of parameters waits: long enough for a withdrawal to get out before it.
const TIMELOCK: Seconds = Seconds::new(900);
/// How long the first update may take: a program at genesis serves only from the second slot on.
const FIRST_UPDATE: Duration = Duration::from_secs(60);
/// How long a step is tried: it may be refused for a price that came late.
const STEP: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(500);

/// The market's parameters: the standard ones with generous caps, and exits short enough to be tried.
pub fn params() -> Params {
    Params {
        max_side_notional: Notional::new(1_000_000_000_000_000),
        max_position_notional: Notional::new(100_000_000_000_000),
        max_pool: Sats::new(100_000 * BITCOIN),
        cool_down: Seconds::new(20),
        withdrawal_window: Seconds::new(600),
        ..Params::standard()
    }
}

/// Sets up what is missing.
///
/// # Errors
/// Where the chain refuses a step, or `stop` is requested.
pub fn run(chain: &dyn Chain, keys: &Keys, stop: &Stop) -> Result<()> {
    let setup = Setup { chain, keys, stop, market: MarketKeys::find(mint(), MARKET_INDEX) };
    setup.wait_for_price()?;
    if setup.is_missing(exchange())? {
        setup.send(&[setup.exchange()], &keys.upgrade_authority)?;
        tracing::info!("created the exchange");
    }
    if setup.is_missing(setup.market.market)? {
        setup.send(&[setup.market()], &keys.admin)?;
        tracing::info!("created the BTC/USD market");
    }
    let market = chain.market(&setup.market.market)?.state;
    if market.pool_shares == 0 {
        setup.send(&setup.pool()?, &keys.faucet)?;
        tracing::info!("gave the pool 50 BTC");
    }
    if market.ledger.insurance == Sats::ZERO {
        setup.send(&setup.insurance()?, &keys.faucet)?;
        tracing::info!("gave insurance 1 BTC");
    }
    if setup.is_missing(associated_tokens(&keys.alice.pubkey(), &mint()))? {
        setup.send(&setup.alice()?, &keys.faucet)?;
        tracing::info!("gave alice 2 BTC");
    }
    Ok(())
}

struct Setup<'a> {
    chain: &'a dyn Chain,
    keys: &'a Keys,
    stop: &'a Stop,
    market: MarketKeys,
}

impl Setup<'_> {
    fn is_missing(&self, address: solana_address::Address) -> Result<bool> {
        Ok(self.chain.accounts(&[address])?.iter().all(Option::is_none))
    }

    /// Until the publisher's first update since the start is there.
    fn wait_for_price(&self) -> Result<()> {
        let since = self.chain.moment()?.slot;
        let deadline = Instant::now() + FIRST_UPDATE;
        while Instant::now() < deadline {
            let account = self.chain.account(&feed_account(&BTC_USD_FEED, 0))?;
            if crate::publisher::read_update(&account.data)?.posted_slot > since {
                return Ok(());
            }
            if self.stop.wait(AGAIN) {
                bail!("stopped before the market was set up");
            }
        }
        bail!("no price was published within {} s; the validator's log may say why", FIRST_UPDATE.as_secs())
    }

    /// Sends instructions until they are taken or there is no hope.
    fn send(&self, instructions: &[Instruction], signer: &Keypair) -> Result<()> {
        let deadline = Instant::now() + STEP;
        loop {
            match Sender::new(self.chain, signer).at(Priority::Fixed(0)).send(instructions) {
                Ok(_) => return Ok(()),
                Err(failure) if Instant::now() > deadline => return Err(failure).context("the market could not be set up"),
                Err(failure) => tracing::debug!("set-up tries again: {failure}"),
            }
            if self.stop.wait(AGAIN) {
                bail!("stopped before the market was set up; the next start goes on with it");
            }
        }
    }

    fn exchange(&self) -> Instruction {
        let args = InitializeExchangeArgs {
            admin: self.keys.admin.pubkey(),
            guardian: self.keys.guardian.pubkey(),
            fee_recipient: self.keys.admin.pubkey(),
            timelock_seconds: TIMELOCK.get(),
        };
        initialize_exchange(self.keys.upgrade_authority.pubkey(), args)
    }

    fn market(&self) -> Instruction {
        let oracle = OracleSource::PythPull { feed_id: BTC_USD_FEED };
        let args = CreateMarketArgs { index: MARKET_INDEX, oracle, params: params(), instant_fills: false };
        create_market(self.keys.admin.pubkey(), mint(), feed_account(&BTC_USD_FEED, 0), args)
    }

    fn pool(&self) -> Result<Vec<Instruction>> {
        let faucet = self.keys.faucet.pubkey();
        let deposit = LiquidityDeposit {
            depositor: faucet,
            source: associated_tokens(&faucet, &mint()),
            destination: associated_tokens(&faucet, &self.market.lp_mint),
            price: feed_account(&BTC_USD_FEED, 0),
        };
        Ok(vec![
            create_associated_tokens(faucet, faucet, mint()),
            create_associated_tokens(faucet, faucet, self.market.lp_mint),
            tokens::mint_to(&faucet, &faucet, POOL_SATS)?,
            // The first to deposit: there is nobody whose shares could have become dearer meanwhile.
            deposit_liquidity(&self.market, deposit, POOL_SATS, 0),
        ])
    }

    fn insurance(&self) -> Result<Vec<Instruction>> {
        let faucet = self.keys.faucet.pubkey();
        Ok(vec![
            create_associated_tokens(faucet, faucet, mint()),
            tokens::mint_to(&faucet, &faucet, INSURANCE_SATS)?,
            fund_insurance(&self.market, faucet, associated_tokens(&faucet, &mint()), INSURANCE_SATS),
        ])
    }

    fn alice(&self) -> Result<Vec<Instruction>> {
        let (faucet, alice) = (self.keys.faucet.pubkey(), self.keys.alice.pubkey());
        Ok(vec![create_associated_tokens(faucet, alice, mint()), tokens::mint_to(&faucet, &alice, ALICE_SATS)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_within_the_programs_bounds() {
        params().validate(TIMELOCK).unwrap();
    }
}
