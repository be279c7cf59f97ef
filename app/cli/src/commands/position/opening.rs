//! What opening a position takes: its size, its orders, its terms, and what it would come to.

use super::exits::Exit;
use super::open::Arguments;
use super::prospect::{deadline, for_leverage, increase, marks, most, Funding, Prospect};
use super::summary;
use crate::commands::order::bound::{buys, leverage, told, usual_tip, whole_dollars};
use crate::commands::order::trader::{ensure_wallet, Held};
use crate::session::refused::{refused, refused_with};
use crate::session::words::{cents, side_and_size};
use crate::session::{bitcoin_of, side_name, Answer, Session, Watched};
use anyhow::{Context, Result};
use clap::Args;
use inverse_perps::instructions::{IncreasePositionArgs, OrderAmount, OrderType};
use inverse_perps_engine::actions::Increase;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::market::{Fills, Marks};
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::{Notional, Price, Sats};
use inverse_perps_engine::Direction;
use perps::client::instructions::{create_position, deposit_collateral, increase_position};
use perps::client::orders::{place_order, OrderTerms, Placing};
use perps::decimal::{self, DOLLARS, PRICE};
use solana_address::Address;
use solana_instruction::Instruction;

/// How much to open.
#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
pub struct Size {
    /// Size in dollars, rounded down to whole ones
    #[arg(long, value_name = "USD", value_parser = decimal::notional, allow_negative_numbers = true)]
    notional: Option<Notional>,
    /// As much as makes this the leverage of the whole position, its fees paid: notional over equity, such as 2.5
    #[arg(long, value_name = "TIMES", value_parser = leverage, allow_negative_numbers = true)]
    leverage: Option<u32>,
    /// Size in bitcoin at the expected fill price, rounded down to whole dollars
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    size_btc: Option<Sats>,
}

impl Size {
    /// The dollars that were asked for, directly or in bitcoin; none where leverage was.
    fn dollars(&self, direction: Direction, marks: &Marks) -> Result<Option<Notional>> {
        let fill = marks.quote.fill(direction, true);
        let of_bitcoin = self.size_btc.map(|size| size.notional_at(fill, Rounding::Floor)).transpose()?;
        Ok(self.notional.or(of_bitcoin))
    }

    fn levered(&self, held: &Held, funding: Funding, direction: Direction) -> Result<Notional> {
        let times = self.leverage.context("say how much: --notional, --leverage or --size-btc")?;
        let found = for_leverage(&held.market, &held.or_new(), funding, direction, times);
        found.map_err(|error| too_much(held, funding, direction, error))
    }
}

/// An opening, ready to be signed.
pub struct Opening {
    /// The position and its market.
    pub held: Held,
    /// Who signs.
    pub signer: Address,
    /// The id of the order that opens it; none where the market fills at once.
    pub order: Option<u32>,
    direction: Direction,
    notional: Notional,
    rounded_off: Notional,
    margin: Sats,
    tip: Sats,
    limit: Price,
    exits: Vec<Exit>,
    marks: Marks,
    prospect: Prospect,
}

impl Opening {
    /// Sizes it, and tries it on a copy of the market.
    ///
    /// # Errors
    /// The rule that would refuse it, too little in the wallet, and those of the chain.
    pub fn prepare(arguments: &Arguments, session: &Session) -> Result<Self> {
        let signer = session.address()?;
        let held = arguments.whose.find(session)?;
        held.ensure_trades(&signer)?;
        let (market, stored) = (&held.market, held.or_new());
        let (params, direction) = (&market.state.params, arguments.side.direction());
        stored.state.ensure_no_pending(&market.state.lifecycle).map_err(refused)?;
        let marks = marks(market, PriceUse::Increase).map_err(refused)?;
        let margin = arguments.margin.unwrap_or(Sats::ZERO);
        ensure_wallet(session, market, margin)?;

        let tip = arguments.tip.unwrap_or_else(|| usual_tip(params));
        let now = market.state.prices.now(market.moment.time).get();
        let exits = arguments.exits.orders(direction, marks.quote.price, tip, now)?;
        let by_order = market.state.fills() == Fills::OrdersOnly;
        let orders = exits.len().saturating_add(usize::from(by_order));
        let tips = Sats::new(tip.get().saturating_mul(u64::try_from(orders)?));
        let funding = Funding { margin, tips };

        let (notional, rounded_off) = match arguments.size.dollars(direction, &marks)? {
            Some(dollars) => whole_dollars(dollars)?,
            None => (arguments.size.levered(&held, funding, direction)?, Notional::ZERO),
        };
        let limit = arguments.bound.price(buys(direction, true), marks.quote.fill(direction, true))?;
        let wanted = Increase { direction, notional, limit };
        let prospect = match increase(market, (held.address, &stored), funding, &wanted)? {
            Ok(prospect) => prospect,
            Err(error) => return Err(too_much(&held, funding, direction, error)),
        };
        let id = stored.state.next_order.saturating_add(u32::try_from(exits.len())?);
        let order = by_order.then_some(id);
        Ok(Self { held, signer, order, direction, notional, rounded_off, margin, tip, limit, exits, marks, prospect })
    }

    /// What it does, for the sentence that asks.
    pub fn title(&self) -> String {
        let verb = match self.held.stored {
            Some(stored) if stored.state.open_direction().is_some() => "enlarge the position by a",
            _ => "open a",
        };
        format!("{verb} {}", side_and_size(self.direction, self.notional))
    }

    /// The accounts that change.
    pub fn watched(&self) -> Vec<Watched> {
        let mut watched = vec![Watched::Position(self.held.address)];
        if !self.margin.is_zero() {
            watched.push(Watched::Bitcoin(bitcoin_of(&self.held.market.keys, &self.signer)));
        }
        watched
    }

    /// The instructions: orders that rest come before the one that waits, since none can be placed after it.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn instructions(&self) -> Result<Vec<Instruction>> {
        let (keys, signer, position) = (&self.held.market.keys, self.signer, self.held.address);
        let mut all = vec![];
        if self.held.stored.is_none() {
            all.push(create_position(keys, signer, self.held.sub_account));
        }
        if !self.margin.is_zero() {
            all.push(deposit_collateral(keys, signer, position, bitcoin_of(keys, &signer), self.margin.get()));
        }
        let price = self.held.market.price_account;
        let first = self.held.or_new().state.next_order;
        for (id, exit) in (first..).zip(&self.exits) {
            let linked_with = id.checked_sub(1).filter(|before| *before >= first);
            all.push(place_order(keys, Placing { trader: signer, position, id, price, linked_with }, &exit.terms));
        }
        all.push(match self.order {
            Some(id) => {
                let placing = Placing { trader: signer, position, id, price, linked_with: None };
                place_order(keys, placing, &self.order_terms())
            }
            None => {
                let args = IncreasePositionArgs {
                    direction: told(self.direction),
                    notional_e6: self.notional.get(),
                    limit_price_e8: self.limit.get(),
                    deadline: deadline(&self.held.market)?,
                };
                increase_position(keys, signer, position, price, args)
            }
        });
        Ok(all)
    }

    fn order_terms(&self) -> OrderTerms {
        OrderTerms {
            kind: OrderType::Market,
            direction: told(self.direction),
            amount: OrderAmount::Increase(self.notional.get()),
            limit_price_e8: self.limit.get(),
            expiry: 0,
            tip_sats: self.tip.get(),
        }
    }

    /// Exact amounts, and what they would come to.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn terms(&self) -> Result<Answer> {
        let mut answer = Answer::new();
        answer.address("position account", "position", self.held.address);
        answer.field("side", side_name(self.direction)).dollars("size", "notional", self.notional);
        if !self.rounded_off.is_zero() {
            let text = DOLLARS.short(self.rounded_off.get());
            answer.field("rounded_off_usd", text.clone()).row("rounded off", format!("{text} USD: sizes are whole dollars"));
        }
        answer.price("price now", "mark", self.marks.quote.price);
        answer.price("expected fill", "expected_fill", self.prospect.filled.price);
        let bound = if buys(self.direction, true) { "at most" } else { "at least" };
        answer.field("limit_usd", PRICE.short(self.limit.get()));
        answer.row("fills at", format!("{bound} {} USD", PRICE.short(self.limit.get())));
        answer.bitcoin("expected fee", "expected_fee", self.prospect.filled.fee.total()?);
        if self.order.is_some() || !self.exits.is_empty() {
            answer.bitcoin("tip of each order", "tip", self.tip);
        }
        if !self.margin.is_zero() {
            answer.bitcoin("margin added", "margin_added", self.margin);
        }
        self.exits.iter().for_each(|exit| exit.tell(&mut answer, self.marks.quote.price));
        self.expected(&mut answer)?;
        Ok(answer)
    }

    /// The position as it would be after a fill at the price of now.
    fn expected(&self, answer: &mut Answer) -> Result<()> {
        let mut rows = Answer::new();
        summary::add(&mut rows, &self.held.market, &self.prospect.after)?;
        let rates = self.prospect.market.rates()?;
        let pays = if self.direction == Direction::Long { rates.long } else { rates.short };
        rows.percent("pays a day, at first", "pays_a_day", i128::from(pays.get()));
        answer.gap().row("would come to", "");
        answer.append_rows_of(&rows).gap().field("expected", rows.to_json());
        Ok(())
    }
}

/// The rule that refuses the size, with the sizes that it would let through.
fn too_much(held: &Held, funding: Funding, direction: Direction, error: Error) -> anyhow::Error {
    let least = held.market.state.params.min_notional;
    let most = || most(&held.market, &held.or_new(), funding, direction).ok();
    let hint = match error {
        Error::BelowMinNotional => {
            Some(format!("a position has at least {} USD; add margin or ask for more", DOLLARS.short(least.get())))
        }
        Error::MarginBelowInitial
        | Error::MarginBelowFee
        | Error::ReserveExceeded
        | Error::SideCapExceeded
        | Error::PositionCapExceeded => {
            most().map(|most| format!("at most a {} would be accepted now", side_and_size(direction, most)))
        }
        Error::SlippageExceeded => marks(&held.market, PriceUse::Increase).ok().map(|marks| {
            let fill = cents(marks.quote.fill(direction, true));
            format!("it would be {fill} USD now; perps order place --type limit waits for a better one")
        }),
        _ => None,
    };
    refused_with(error, hint)
}
