//! `perps position close`.

use super::prospect::{deadline, decrease, marks, reduction, Prospect};
use super::summary;
use crate::commands::order::bound::{buys, tip, told, usual_tip, whole_dollars, Bound};
use crate::commands::order::report::{self, Waiting};
use crate::commands::order::trader::{Held, Whose};
use crate::session::refused::{refused, refused_with};
use crate::session::words::side_and_size;
use crate::session::{side_name, Answer, Done, Plan, Session, Watched};
use anyhow::{Context, Result};
use clap::Args;
use inverse_perps::instructions::{DecreasePositionArgs, OrderAmount, OrderType};
use inverse_perps_engine::actions::{Decrease, DecreaseSize};
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::{Notional, Price, Sats};
use inverse_perps_engine::Direction;
use perps::client::events::Event;
use perps::client::instructions::decrease_position;
use perps::client::orders::{place_order, OrderTerms, Placing};
use perps::decimal::{self, DOLLARS, PRICE};
use perps::view::PositionView;
use solana_address::Address;
use solana_instruction::Instruction;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Without --notional all of it is closed. A part that would leave less than the market's smallest position closes all of it too, where \
orders fill. Margin stays in the account: perps position withdraw takes it out.

Examples:
  perps position close
  perps position close --notional 1000
  perps position close --sub-account 1 --slippage-bps 100";

/// What to close.
#[derive(Debug, Args)]
pub struct Arguments {
    /// By how many dollars, rounded down to whole ones [default: all of it]
    #[arg(long, value_name = "USD", value_parser = decimal::notional, allow_negative_numbers = true)]
    notional: Option<Notional>,
    #[command(flatten)]
    bound: Bound,
    /// For who fills the order: satoshi, or bitcoin with a point [default: 200 satoshi, within the market's bounds]
    #[arg(long, value_name = "SATS", value_parser = tip, allow_negative_numbers = true)]
    tip: Option<Sats>,
    #[command(flatten)]
    whose: Whose,
    /// Do not wait for the fill
    #[arg(long)]
    no_wait: bool,
}

/// A closing, ready to be signed.
struct Closing {
    held: Held,
    signer: Address,
    direction: Direction,
    size: DecreaseSize,
    asked: Notional,
    rounded_off: Notional,
    tip: Sats,
    limit: Price,
    by_order: bool,
    prospect: Prospect,
}

/// Closes a position, or a part of it.
///
/// # Errors
/// The program's refusal, an order that does not fill, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let closing = Closing::prepare(arguments, session)?;
    let plan = Plan {
        terms: closing.terms()?,
        instructions: vec![closing.instruction()?],
        watched: vec![Watched::Position(closing.held.address)],
        ..Plan::new(closing.title())
    };
    if closing.by_order {
        let id = closing.held.or_new().state.next_order;
        let waiting = if arguments.no_wait { Waiting::ForThePlacing } else { Waiting::ForTheFill };
        return report::send(session, &closing.held, plan, id, waiting, out);
    }
    let Done::Landed { mut answer, events, .. } = session.carry_out(&closing.held.market, plan, out)? else { return Ok(()) };
    let filled = events.iter().find_map(|event| match event {
        Event::PositionDecreased(event) if event.position == closing.held.address => Some(&event.fill),
        _ => None,
    });
    if let Some(fill) = filled {
        report::fill(&mut answer, fill)?;
    }
    report::after(session, &closing.held, &mut answer)?;
    answer.write(session.options.json, out)
}

impl Closing {
    fn prepare(arguments: &Arguments, session: &Session) -> Result<Self> {
        let signer = session.address()?;
        let held = arguments.whose.find(session)?;
        held.ensure_trades(&signer)?;
        let (market, position) = (&held.market, held.existing()?);
        position.state.ensure_no_pending(&market.state.lifecycle).map_err(refused)?;
        let direction = position.state.ensure_open().map_err(refused)?;
        let by_order = market.state.fills() == Fills::OrdersOnly;
        let (asked, rounded_off) = arguments.notional.map(whole_dollars).transpose()?.unwrap_or_default();
        let size = match asked {
            Notional::ZERO => DecreaseSize::Whole,
            asked if by_order => reduction(market, &position, asked).map_err(refused)?,
            asked => DecreaseSize::Part(asked),
        };
        let quote = marks(market, PriceUse::Decrease).map_err(refused)?.quote;
        let limit = arguments.bound.price(buys(direction, false), quote.fill(direction, false))?;
        let tip = arguments.tip.unwrap_or_else(|| usual_tip(&market.state.params));
        let tips = if by_order { tip } else { Sats::ZERO };
        let prospect =
            decrease(market, &position, tips, &Decrease { size, limit })?.map_err(|error| hinted(error, &position))?;
        Ok(Self { signer, direction, size, asked, rounded_off, tip, limit, by_order, prospect, held })
    }

    fn title(&self) -> String {
        match self.size {
            DecreaseSize::Whole => {
                format!("close the {} of {} USD", side_name(self.direction), DOLLARS.short(self.notional().get()))
            }
            DecreaseSize::Part(part) => {
                format!("reduce the {} by {} USD", side_name(self.direction), DOLLARS.short(part.get()))
            }
        }
    }

    fn notional(&self) -> Notional {
        self.prospect.filled.notional
    }

    fn instruction(&self) -> Result<Instruction> {
        let (keys, position, price) = (&self.held.market.keys, self.held.address, self.held.market.price_account);
        if self.by_order {
            let id = self.held.stored.context("there is no position")?.state.next_order;
            let placing = Placing { trader: self.signer, position, id, price, linked_with: None };
            return Ok(place_order(keys, placing, &self.order_terms()));
        }
        let args = DecreasePositionArgs {
            notional_e6: match self.size {
                DecreaseSize::Whole => None,
                DecreaseSize::Part(part) => Some(part.get()),
            },
            limit_price_e8: self.limit.get(),
            deadline: deadline(&self.held.market)?,
        };
        Ok(decrease_position(keys, self.signer, position, price, args))
    }

    fn order_terms(&self) -> OrderTerms {
        OrderTerms {
            kind: OrderType::Market,
            direction: told(self.direction),
            amount: match self.size {
                DecreaseSize::Whole => OrderAmount::Close,
                DecreaseSize::Part(part) => OrderAmount::Reduce(part.get()),
            },
            limit_price_e8: self.limit.get(),
            expiry: 0,
            tip_sats: self.tip.get(),
        }
    }

    fn terms(&self) -> Result<Answer> {
        let (filled, mut answer) = (&self.prospect.filled, Answer::new());
        answer.address("position account", "position", self.held.address);
        answer.field("side", side_name(self.direction)).dollars("size closed", "notional", self.notional());
        if !self.rounded_off.is_zero() {
            let text = DOLLARS.short(self.rounded_off.get());
            answer.field("rounded_off_usd", text.clone()).row("rounded off", format!("{text} USD: sizes are whole dollars"));
        }
        answer.price("expected fill", "expected_fill", filled.price);
        if self.size == DecreaseSize::Whole && !self.asked.is_zero() && self.asked < self.notional() {
            let (asked, least) =
                (DOLLARS.short(self.asked.get()), DOLLARS.short(self.held.market.state.params.min_notional.get()));
            answer.field("asked_usd", asked.clone());
            answer.row("instead of", format!("{asked} USD: less than {least} USD would be left, so all of it closes"));
        }
        let bound = if buys(self.direction, false) { "at most" } else { "at least" };
        answer.field("limit_usd", PRICE.short(self.limit.get()));
        answer.row("fills at", format!("{bound} {} USD", PRICE.short(self.limit.get())));
        answer.signed("would realise", "expected_realised", filled.pnl.get());
        answer.bitcoin("expected fee", "expected_fee", filled.fee.total()?);
        if self.by_order {
            answer.bitcoin("tip", "tip", self.tip);
        }
        let mut rows = Answer::new();
        summary::add(&mut rows, &self.held.market, &self.prospect.after)?;
        answer.gap().row("would come to", "").append_rows_of(&rows).gap().field("expected", rows.to_json());
        Ok(answer)
    }
}

/// The rule that refuses it, with what is open.
fn hinted(error: Error, position: &PositionView) -> anyhow::Error {
    let open = position.outlook.as_ref().map(|open| side_and_size(open.direction, open.notional));
    refused_with(error, open.map(|open| format!("open is a {open}")))
}
