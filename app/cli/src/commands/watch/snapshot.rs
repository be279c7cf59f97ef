//! A market and somebody's positions in it, read at once.

use crate::commands::market::terms::{pause, share_price, status, utilisation};
use crate::commands::order::list::{self, open_orders, Open};
use crate::commands::position::list::Listed;
use crate::commands::quote::fixed;
use crate::session::Session;
use anyhow::Result;
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::Direction;
use perps::chain::{Chain, Which};
use perps::client::accounts;
use perps::decimal::{BITCOIN, DOLLARS, PRICE};
use perps::view::{MarketView, PositionView};
use serde_json::{json, Value};
use solana_address::Address;

/// A position with its orders.
pub struct Held {
    /// The position.
    pub position: PositionView,
    /// Where it is liquidated; none when flat.
    pub liquidation: Option<Threshold>,
    /// Its orders.
    pub orders: Vec<Open>,
    fields: Value,
}

/// What was read.
pub struct Snapshot {
    /// The market.
    pub market: MarketView,
    /// The positions, by sub-account.
    pub held: Vec<Held>,
}

impl Snapshot {
    /// Reads a market and an owner's positions in it.
    ///
    /// # Errors
    /// Those of the chain and of the engine.
    pub fn read(session: &Session, market: &Address, owner: Option<Address>) -> Result<Self> {
        let market = MarketView::read(&session.chain, market)?;
        let mut held = vec![];
        if let Some(owner) = owner {
            for (address, account) in session.chain.program_accounts(&Which::positions_of(owner))? {
                let stored = accounts::position(&account.data)?;
                if stored.market == market.keys.market {
                    held.push(Held::read(session, &market, Listed::of(&market, address, stored)?)?);
                }
            }
        }
        held.sort_by_key(|one| one.position.stored.sub_account);
        Ok(Self { market, held })
    }

    /// The chain's time, as the market's feed corrects it.
    pub fn time(&self) -> i64 {
        self.market.state.prices.now(self.market.moment.time).get()
    }

    /// Seconds since the price was published; none before the first.
    pub fn price_age(&self) -> Option<i64> {
        let prices = &self.market.state.prices;
        (!prices.price.is_zero()).then(|| self.time().saturating_sub(prices.publish_time.get()))
    }

    /// As one object.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn to_json(&self) -> Result<Value> {
        let (market, state) = (&self.market, &self.market.state);
        let usd = |price: Option<inverse_perps_engine::units::Price>| price.map(|price| PRICE.short(price.get()));
        let quote = market.quote();
        let side = |direction| -> Result<Value> {
            let side = market.side(direction)?;
            Ok(json!({
                "open_interest_usd": DOLLARS.short(side.notional.get()),
                "positions": side.positions,
                "profit_sats": side.profit_sats,
                "pays_percent_a_day": fixed(i128::from(side.pays_ppb_a_day), 7),
            }))
        };
        let orders: Vec<Value> = self.held.iter().flat_map(|held| held.orders_json(market)).collect();
        Ok(json!({
            "market": market.keys.market.to_string(),
            "time_unix": self.time(),
            "slot": market.moment.slot,
            "state": status(market),
            "risk_paused": pause(market).is_some(),
            "mark_usd": usd(market.mark()),
            "bid_usd": usd(quote.map(|quote| quote.bid)),
            "ask_usd": usd(quote.map(|quote| quote.ask)),
            "price_age_seconds": self.price_age(),
            "price_refused": market.synced.as_ref().err().map(ToString::to_string),
            "long": side(Direction::Long)?,
            "short": side(Direction::Short)?,
            "utilisation_percent": utilisation(market)?.map(|ppb| fixed(ppb, 7)),
            "pool_sats": state.ledger.pool.get(),
            "free_pool_sats": state.free_pool()?.get(),
            "share_price_btc": share_price(market)?.map(|price| BITCOIN.exact(price.get())),
            "insurance_sats": state.ledger.insurance.get(),
            "positions": self.held.iter().map(|held| held.fields.clone()).collect::<Vec<Value>>(),
            "orders": orders,
        }))
    }
}

impl Held {
    fn read(session: &Session, market: &MarketView, listed: Listed) -> Result<Self> {
        let fields = listed.fields()?;
        let Listed { position, liquidation, .. } = listed;
        let orders = if position.state.open_orders == 0 { vec![] } else { open_orders(session, market, &position)? };
        Ok(Self { position, liquidation, orders, fields })
    }

    fn orders_json<'a>(&'a self, market: &'a MarketView) -> impl Iterator<Item = Value> + 'a {
        self.orders.iter().map(move |order| {
            let mut fields = list::fields(order, &self.orders, market);
            fields["sub_account"] = self.position.stored.sub_account.into();
            fields
        })
    }
}
