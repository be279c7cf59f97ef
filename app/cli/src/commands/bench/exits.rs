//! Costs of deleveraging, of a settlement of the market, of leaving the pool, and of a dead oracle.

use super::{edit_market, measure_on, tick, Row, Scene, BITCOIN, DOLLAR_E6};
use anyhow::Result;
use inverse_perps::instructions::PositionDirection;
use inverse_perps_engine::oracle::Quote;
use inverse_perps_engine::units::{Price, Sats};
use perps::client::instructions::{self, Leaving, SettleWith};
use perps::local::LocalChain;
use solana_instruction::Instruction;
use solana_keypair::Keypair;

const SHARES: u64 = BITCOIN;
const MINUTES: u32 = 600;
const DAY: u32 = 86_400;

impl Scene {
    /// Rows of everything that ends something.
    pub(super) fn exit_rows(&self) -> Result<Vec<Row>> {
        let mut rows = self.queue_rows()?;
        rows.extend(self.deleverage_row()?);
        rows.extend(self.settlement_rows()?);
        rows.extend(self.dead_oracle_rows()?);
        Ok(rows)
    }

    fn leaving(&self, destination: solana_address::Address) -> Leaving {
        Leaving { owner: self.provider.address(), id: 7, destination }
    }

    /// A step of a longer story: measured on a copy, then done.
    pub(super) fn step(
        &self,
        chain: &mut LocalChain,
        name: &'static str,
        instruction: Instruction,
        signer: &Keypair,
    ) -> Result<Row> {
        let row = measure_on(chain.clone(), name, self.state, instruction.clone(), signer)?;
        chain.send(&[instruction], signer)?;
        Ok(row)
    }

    fn queue_rows(&self) -> Result<Vec<Row>> {
        let mut chain = self.chain.clone();
        let (keys, provider) = (chain.keys, &self.provider);
        let donate = instructions::donate_liquidity(&keys, provider.address(), provider.tokens, BITCOIN);
        let request = instructions::request_withdrawal(&keys, provider.address(), self.shares, 7, SHARES);
        let mut rows = vec![
            self.measure("donate_liquidity", donate, &provider.keypair)?,
            self.step(&mut chain, "request_withdrawal", request, &provider.keypair)?,
        ];
        let cancel = instructions::cancel_withdrawal(&keys, self.leaving(self.shares));
        rows.push(measure_on(chain.clone(), "cancel_withdrawal", self.state, cancel, &provider.keypair)?);

        let mut lapsed = chain.clone();
        chain.advance(DAY);
        chain.post(tick(60_000))?;
        let complete = instructions::complete_withdrawal(&keys, self.leaving(provider.tokens), Some(chain.price), 1);
        rows.push(measure_on(chain, "complete_withdrawal", self.state, complete, &provider.keypair)?);

        for _ in 0..2 * DAY / MINUTES + 3 {
            lapsed.advance(MINUTES);
            lapsed.post(tick(60_000))?;
            let accrue = lapsed.accrue();
            lapsed.send(&[accrue], &provider.keypair)?;
        }
        let give_back = instructions::return_withdrawal(&keys, self.long.address(), self.leaving(self.shares));
        rows.push(measure_on(lapsed, "return_withdrawal", self.state, give_back, &self.long.keypair)?);
        Ok(rows)
    }

    /// Longs from $60,000 and shorts from $60,000 and $70,000, now at $64,000: both sides win. The pool is then cut down to where
    /// their profit is this many percent of what is free.
    fn strained(&self, percent: u64) -> Result<LocalChain> {
        let mut chain = self.chain.clone();
        chain.advance(120);
        chain.post(tick(70_000))?;
        let more = chain.increase(&self.short, PositionDirection::Short, 300_000 * DOLLAR_E6);
        chain.send(&[more], &self.short.keypair)?;
        chain.advance(3_600);
        chain.post(tick(64_000))?;
        let price = Price::new(64_000 * BITCOIN);
        edit_market(&mut chain, |market| {
            let profit = market.marks(Quote::at(price))?.profit()?;
            let reserved = market.ledger.pool.minus(market.free_pool()?)?;
            market.ledger.pool = reserved.plus(Sats::new(profit.get() * 100 / percent))?;
            Ok(())
        })?;
        Ok(chain)
    }

    fn deleverage_row(&self) -> Result<Option<Row>> {
        let chain = self.strained(85)?;
        let deleverage = instructions::deleverage(&chain.keys, chain.price);
        measure_on(chain, "deleverage", self.state, deleverage, &self.provider.keypair).map(Some)
    }

    fn settlement_rows(&self) -> Result<Vec<Row>> {
        let mut chain = self.strained(150)?;
        let (keys, keeper) = (chain.keys, &self.provider);
        let begin = instructions::deleverage(&keys, chain.price);
        let mut rows = vec![self.step(&mut chain, "deleverage_to_settle", begin, &keeper.keypair)?];
        let with = SettleWith { tip_to: Some(keeper.tokens), ..SettleWith::default() };
        let close_out = |position| instructions::settle(&keys, position, with);
        rows.push(self.step(&mut chain, "settle_position_for_claim", close_out(self.long.position), &keeper.keypair)?);
        for position in [self.short.position, self.liquidatable.position] {
            chain.send(&[close_out(position)], &keeper.keypair)?;
        }
        let finish = instructions::finish_settlement(&keys, keeper.address(), 0);
        rows.push(self.step(&mut chain, "finish_settlement", finish, &keeper.keypair)?);
        let redeeming = SettleWith { claim_epoch: Some(0), ..SettleWith::default() };
        let redeem = |position| instructions::settle(&keys, position, redeeming);
        rows.push(self.step(&mut chain, "settle_position_redeeming", redeem(self.long.position), &keeper.keypair)?);
        for position in [self.short.position, self.liquidatable.position] {
            chain.send(&[redeem(position)], &keeper.keypair)?;
        }
        let close = instructions::close_settlement(&keys, keeper.address(), 0);
        rows.push(self.step(&mut chain, "close_settlement", close, &keeper.keypair)?);
        let pay_out = instructions::pay_out(&keys, keeper.address(), self.long.position, self.long.address(), None);
        rows.push(self.step(&mut chain, "pay_out", pay_out, &keeper.keypair)?);
        let admin = chain.admin();
        let treasury = chain.token_account(&admin, &keys.mint)?;
        let collect = instructions::collect_protocol_fees(&keys, treasury);
        rows.push(self.step(&mut chain, "collect_protocol_fees", collect, &keeper.keypair)?);
        Ok(rows)
    }

    fn dead_oracle_rows(&self) -> Result<Vec<Row>> {
        let mut chain = self.chain.clone();
        let (keys, keeper) = (chain.keys, &self.provider.keypair);
        chain.advance(2 * DAY);
        let mut rows = vec![self.step(&mut chain, "declare_dead", instructions::declare_dead(&keys), keeper)?];
        chain.post(tick(61_000))?;
        let show = instructions::show_settlement_price(&keys, chain.price);
        rows.push(self.step(&mut chain, "show_settlement_price", show, keeper)?);
        chain.advance(DAY);
        rows.push(self.step(&mut chain, "settle_market", instructions::settle_market(&keys), keeper)?);
        Ok(rows)
    }
}
