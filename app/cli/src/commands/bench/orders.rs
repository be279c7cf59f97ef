//! Costs of orders and delegates.

use super::{edit_market, measure_on, tick, Row, Scene, State, DOLLAR_E6};
use anyhow::Result;
use inverse_perps::instructions::{OrderAmount, OrderType, PositionDirection};
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Price, Scale};
use perps::client::addresses::order;
use perps::client::orders::{self, Execution, OrderTerms};
use perps::local::LocalChain;
use solana_instruction::Instruction;

const TIP_SATS: u64 = 1_000;
const DELAY: u32 = 6;
const LATER: u32 = 3_600;
const LONG: PositionDirection = PositionDirection::Long;
const MORE: OrderAmount = OrderAmount::Increase(50_000 * DOLLAR_E6);
const LESS: OrderAmount = OrderAmount::Reduce(50_000 * DOLLAR_E6);

impl Scene {
    /// Rows of orders: market orders first, then those that rest.
    pub(super) fn order_rows(&self) -> Result<Vec<Row>> {
        let mut rows = self.delegate_rows()?;
        rows.extend(self.filled("execute_order, an increase", MORE)?);
        rows.extend(self.filled("execute_order, a reduction", LESS)?.into_iter().skip(1));
        rows.extend(self.resting_rows()?);
        Ok(rows)
    }

    fn delegate_rows(&self) -> Result<Vec<Row>> {
        let (keys, long) = (self.chain.keys, &self.long);
        let mut chain = self.chain.clone();
        let appoint = orders::set_delegate(&keys, long.address(), long.position, self.short.address(), TIP_SATS);
        let dismiss = orders::revoke_delegate(&keys, long.address(), long.position);
        Ok(vec![
            self.step(&mut chain, "set_delegate", appoint, &long.keypair)?,
            self.step(&mut chain, "revoke_delegate", dismiss, &long.keypair)?,
        ])
    }

    /// A market order of the long, and its fill.
    fn filled(&self, name: &'static str, amount: OrderAmount) -> Result<Vec<Row>> {
        let mut chain = self.chain.clone();
        let terms = orders::market_terms(LONG, amount, TIP_SATS);
        let place = self.place(&chain, 0, &terms);
        let placed = self.step(&mut chain, "place_order", place, &self.long.keypair)?;
        self.let_pass(&mut chain, DELAY)?;
        let execute = orders::execute_order(&chain.keys, self.execution(&chain, 0));
        Ok(vec![placed, self.step(&mut chain, name, execute, &self.provider.keypair)?])
    }

    /// A limit order that is taken back, one that is triggered and filled, linked with one that dies and is removed.
    fn resting_rows(&self) -> Result<Vec<Row>> {
        let mut chain = self.chain.clone();
        let (keys, long) = (chain.keys, &self.long);
        let terms = |kind, amount, dollars: u64| OrderTerms {
            kind,
            direction: LONG,
            amount,
            limit_price_e8: tick(dollars).price_e8,
            expiry: i64::MAX,
            tip_sats: TIP_SATS,
        };
        let limit = terms(OrderType::Limit, MORE, 59_900);
        let stop = terms(OrderType::Stop(tick(50_000).price_e8), LESS, 1);
        let place = self.place(&chain, 0, &limit);
        let mut rows = vec![self.step(&mut chain, "place_order, resting", place, &long.keypair)?];
        let cancel = orders::cancel_order(&keys, long.address(), long.order(0));
        rows.push(measure_on(chain.clone(), "cancel_order", self.state, cancel, &long.keypair)?);
        let link = chain.place(long, 1, Some(0), &stop);
        rows.push(self.step(&mut chain, "place_order, linked", link, &long.keypair)?);

        self.let_pass(&mut chain, LATER)?;
        chain.post(tick(59_880))?;
        let trigger = orders::trigger_order(&keys, long.position, 0, chain.price, self.provider.tokens);
        rows.push(self.step(&mut chain, "trigger_order", trigger, &self.provider.keypair)?);
        self.let_pass(&mut chain, DELAY)?;
        chain.post(tick(59_700))?;
        let execution = Execution { partner: Some(order(&long.position, 1).0), ..self.execution(&chain, 0) };
        let fill = orders::execute_order(&keys, execution);
        rows.push(self.step(&mut chain, "execute_order, triggered and linked", fill, &self.provider.keypair)?);
        let expire = orders::expire_order(&keys, self.provider.address(), long.order(1));
        rows.push(self.step(&mut chain, "expire_order", expire, &self.provider.keypair)?);
        Ok(rows)
    }

    /// Time goes by; in the general state both sides are deleveraged once more, so that every snapshot is old again.
    fn let_pass(&self, chain: &mut LocalChain, seconds: u32) -> Result<()> {
        if self.state == State::General {
            edit_market(chain, |market| {
                let price = Price::new(tick(60_000).price_e8);
                let smaller = |scale: Scale| Scale::new(scale.get() / 100 * 99);
                market.long.shrink(Direction::Long, smaller(market.long.scale), price)?;
                market.short.shrink(Direction::Short, smaller(market.short.scale), price)?;
                Ok(())
            })?;
        }
        chain.advance(seconds);
        chain.post(tick(60_000))
    }

    fn place(&self, chain: &LocalChain, id: u32, terms: &OrderTerms) -> Instruction {
        chain.place(&self.long, id, None, terms)
    }

    fn execution(&self, chain: &LocalChain, id: u32) -> Execution {
        chain.execution(&self.long, id, self.provider.tokens)
    }
}
