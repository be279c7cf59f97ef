//! `perps order place`.

use super::bound::{any_price, buys, seconds, slipped, tip, told, usual_tip, whole_dollars, Bound, Side, SLIPPAGE_BPS};
use super::report::{self, Waiting};
use super::trader::{Held, Whose};
use crate::commands::position::prospect::marks;
use crate::session::refused::refused;
use crate::session::words::{signed_distance, utc};
use crate::session::{side_name, Answer, Done, Plan, Session, Watched};
use anyhow::{bail, ensure, Context, Result};
use clap::{Args, ValueEnum};
use inverse_perps::instructions::{OrderAmount, OrderType};
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::{Notional, Price, Sats};
use inverse_perps_engine::Direction;
use perps::client::orders::{place_order, OrderTerms, Placing};
use perps::decimal::{self, DOLLARS, PRICE};
use perps::view::PositionView;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
--side is the position's: an order opens or enlarges it (--notional), reduces it (--reduce) or closes it (--close), and never turns it \
round. A limit order triggers at --limit or better, a stop at --trigger or worse, a take-profit at --trigger or better; then it fills as a \
market order does, unless the price has run past its bound: that costs half of its tip, and it rests again. Of two linked orders the one \
that fills kills the other.

Examples:
  perps order place --type limit --side long --notional 1000 --limit 40000 --expires 7d
  perps order place --type stop --side long --close --trigger 45000 --slippage-bps 100
  perps order place --type take-profit --side long --reduce 500 --trigger 90000
  perps order place --type market --side short --notional 1000 --sub-account 1 --dry-run";

/// How long an order rests where nothing is said.
const RESTS_SECONDS: i64 = 30 * 86_400;

/// What makes it a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// It is one: waits for its fill at once
    Market,
    /// A price as good as --limit
    Limit,
    /// A price as bad as --trigger
    Stop,
    /// A price as good as --trigger
    TakeProfit,
}

/// What to place.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What makes it fill
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Kind,
    /// The position's side; an order that reduces takes it from the open position
    #[arg(long, value_enum, required_unless_present_any = ["close", "reduce"])]
    side: Option<Side>,
    #[command(flatten)]
    amount: Amount,
    /// The price that triggers a stop or a take-profit
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    trigger: Option<Price>,
    #[command(flatten)]
    bound: Bound,
    /// How long it rests: 90s, 30m, 12h, 7d, 4w [default: 30d]
    #[arg(long, value_name = "SPAN", value_parser = seconds)]
    expires: Option<i64>,
    /// The id of a resting order to link it with
    #[arg(long, value_name = "ID")]
    link_with: Option<u32>,
    /// For who triggers and fills it: satoshi, or bitcoin with a point [default: 200 satoshi, within the market's bounds]
    #[arg(long, value_name = "SATS", value_parser = tip, allow_negative_numbers = true)]
    tip: Option<Sats>,
    #[command(flatten)]
    whose: Whose,
    /// Do not wait for the fill of a market order
    #[arg(long)]
    no_wait: bool,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Amount {
    /// Open or enlarge by so many dollars, rounded down to whole ones
    #[arg(long, value_name = "USD", value_parser = decimal::notional, allow_negative_numbers = true)]
    notional: Option<Notional>,
    /// Reduce by so many dollars, rounded down to whole ones
    #[arg(long, value_name = "USD", value_parser = decimal::notional, allow_negative_numbers = true)]
    reduce: Option<Notional>,
    /// Close the position
    #[arg(long)]
    close: bool,
}

impl Amount {
    /// As the program is asked, and what of it is not a whole dollar.
    fn whole(&self) -> Result<(OrderAmount, Notional)> {
        Ok(match (self.notional, self.reduce) {
            (Some(asked), _) => {
                let (whole, rest) = whole_dollars(asked)?;
                (OrderAmount::Increase(whole.get()), rest)
            }
            (None, Some(asked)) => {
                let (whole, rest) = whole_dollars(asked)?;
                (OrderAmount::Reduce(whole.get()), rest)
            }
            (None, None) => (OrderAmount::Close, Notional::ZERO),
        })
    }

    fn opens(&self) -> bool {
        self.notional.is_some()
    }
}

/// An order, ready to be signed.
struct Order {
    terms: OrderTerms,
    direction: Direction,
    trigger: Option<Price>,
    rounded_off: Notional,
}

/// Places an order.
///
/// # Errors
/// The program's refusal, a market order that does not fill, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let signer = session.address()?;
    let held = arguments.whose.find(session)?;
    held.ensure_trades(&signer)?;
    let position = held.existing()?;
    position.state.ensure_no_pending(&held.market.state.lifecycle).map_err(refused)?;
    let order = arguments.order(&held, &position)?;

    let id = position.state.next_order;
    let placing = Placing {
        trader: signer,
        position: held.address,
        id,
        price: held.market.price_account,
        linked_with: arguments.link_with,
    };
    let plan = Plan {
        terms: order.told(&held, id, arguments.link_with),
        instructions: vec![place_order(&held.market.keys, placing, &order.terms)],
        watched: vec![Watched::Position(held.address)],
        ..Plan::new(order.title())
    };
    if arguments.kind == Kind::Market {
        let waiting = if arguments.no_wait { Waiting::ForThePlacing } else { Waiting::ForTheFill };
        return report::send(session, &held, plan, id, waiting, out);
    }
    let Done::Landed { mut answer, .. } = session.carry_out(&held.market, plan, out)? else { return Ok(()) };
    answer.field("outcome", "rests").row("state", "rests until its price comes; keepers trigger and fill it for its tip");
    answer.write(session.options.json, out)
}

impl Arguments {
    fn order(&self, held: &Held, position: &PositionView) -> Result<Order> {
        let market = &held.market;
        let direction = match (self.side, position.state.open_direction()) {
            (Some(side), _) => side.direction(),
            (None, Some(open)) => open,
            (None, None) => bail!("the position is flat, so say of which --side it will be"),
        };
        let buys = buys(direction, self.amount.opens());
        let quote = marks(market, PriceUse::Upkeep).map_err(refused)?.quote;
        let (kind, trigger, limit) = self.prices(buys, quote.fill(direction, self.amount.opens()))?;
        let now = market.state.prices.now(market.moment.time).get();
        let (amount, rounded_off) = self.amount.whole()?;
        let expiry = match self.kind {
            Kind::Market => 0,
            _ => now.saturating_add(self.expires.unwrap_or(RESTS_SECONDS)),
        };
        let tip_sats = self.tip.unwrap_or_else(|| usual_tip(&market.state.params)).get();
        let terms = OrderTerms { kind, direction: told(direction), amount, limit_price_e8: limit.get(), expiry, tip_sats };
        Ok(Order { terms, direction, trigger, rounded_off })
    }

    /// Type, trigger and bound.
    fn prices(&self, buys: bool, expected: Price) -> Result<(OrderType, Option<Price>, Price)> {
        let trigger = || self.trigger.context("a stop or take-profit needs the --trigger that makes it fill");
        let only = |needed: &str| format!("--trigger is for stops and take-profits; {needed}");
        Ok(match self.kind {
            Kind::Market => {
                ensure!(self.trigger.is_none(), only("a market order fills at once"));
                ensure!(self.expires.is_none(), "a market order does not rest, so it does not expire: leave --expires out");
                ensure!(self.link_with.is_none(), "only resting orders can be linked: leave --link-with out");
                (OrderType::Market, None, self.bound.price(buys, expected)?)
            }
            Kind::Limit => {
                ensure!(self.trigger.is_none(), only("a limit order's is its --limit"));
                let limit = self.bound.limit().context("a limit order needs its --limit")?;
                (OrderType::Limit, Some(limit), limit)
            }
            Kind::Stop => {
                let limit = match (self.bound.limit(), self.bound.slippage()) {
                    (None, None) => any_price(buys),
                    _ => self.bound.price(buys, trigger()?)?,
                };
                (OrderType::Stop(trigger()?.get()), self.trigger, limit)
            }
            Kind::TakeProfit => {
                let limit = self
                    .bound
                    .limit()
                    .map_or_else(|| slipped(buys, trigger()?, self.bound.slippage().unwrap_or(SLIPPAGE_BPS)), Ok)?;
                (OrderType::TakeProfit(trigger()?.get()), self.trigger, limit)
            }
        })
    }
}

impl Order {
    fn title(&self) -> String {
        let side = side_name(self.direction);
        let does = match self.terms.amount {
            OrderAmount::Increase(notional) => format!("open {side} {} USD", DOLLARS.short(notional)),
            OrderAmount::Reduce(notional) => format!("reduce the {side} by {} USD", DOLLARS.short(notional)),
            OrderAmount::Close => format!("close the {side}"),
        };
        format!("place a {} order to {does}", self.kind())
    }

    fn kind(&self) -> &'static str {
        match self.terms.kind {
            OrderType::Market => "market",
            OrderType::Limit => "limit",
            OrderType::Stop(_) => "stop",
            OrderType::TakeProfit(_) => "take-profit",
        }
    }

    fn told(&self, held: &Held, id: u32, link_with: Option<u32>) -> Answer {
        let (terms, mut answer) = (&self.terms, Answer::new());
        let opens = matches!(terms.amount, OrderAmount::Increase(_));
        answer.address("position account", "position", held.address).field("order_id", id).row("order id", id.to_string());
        answer.field("type", self.kind()).field("side", side_name(self.direction)).field("reduce_only", !opens);
        let notional = match terms.amount {
            OrderAmount::Increase(notional) | OrderAmount::Reduce(notional) => Some(DOLLARS.short(notional)),
            OrderAmount::Close => None,
        };
        answer
            .row("size", notional.clone().map_or("all of it".to_owned(), |usd| format!("{usd} USD")))
            .field("notional_usd", notional);
        if !self.rounded_off.is_zero() {
            let text = DOLLARS.short(self.rounded_off.get());
            answer.field("rounded_off_usd", text.clone()).row("rounded off", format!("{text} USD: sizes are whole dollars"));
        }
        if let (Some(trigger), Some(mark)) = (self.trigger, held.market.mark()) {
            answer.field("trigger_usd", PRICE.short(trigger.get()));
            answer.row("trigger", format!("{} USD ({})", PRICE.short(trigger.get()), signed_distance(trigger, mark)));
        }
        let bound = match (buys(self.direction, opens), terms.limit_price_e8) {
            (true, u64::MAX) | (false, 0) => "any price".to_owned(),
            (true, limit) => format!("at most {} USD", PRICE.short(limit)),
            (false, limit) => format!("at least {} USD", PRICE.short(limit)),
        };
        answer.field("limit_price_e8", terms.limit_price_e8).row("fills at", bound);
        answer.bitcoin("tip", "tip", Sats::new(terms.tip_sats));
        if terms.kind != OrderType::Market {
            answer.field("expires_unix", terms.expiry).row("expires", utc(terms.expiry));
        }
        let open = held.stored.and_then(|stored| stored.state.open_direction());
        if open.is_some_and(|open| open != self.direction) {
            answer.row(
                "beware",
                format!(
                    "the position is {}: the order can only fill when that is closed",
                    side_name(self.direction.opposite())
                ),
            );
        }
        if let Some(partner) = link_with {
            answer.field("linked_with", partner).row("linked with", format!("order {partner}"));
        }
        answer
    }
}
