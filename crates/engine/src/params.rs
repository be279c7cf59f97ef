//! A market's parameters and their hard bounds. The table is section 11 of the design.

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::margin::MarginRatios;
use crate::math::Rounding;
use crate::units::{Bps, Notional, Ppb, Sats, Seconds, DOLLAR, MAX_NOTIONAL, MAX_VALUE};

stored! {
    /// What the admin sets, within hard bounds. Margin ratios grow by their slope per $1M of notional.
    pub struct Params {
        /// Net notional at which funding reaches `max_funding`.
        pub skew_scale: Notional,
        /// Depth of the skew surcharge: the marginal surcharge at skew s is `s / impact_scale`.
        pub impact_scale: Notional,
        /// Smallest position.
        pub min_notional: Notional,
        /// Most open interest a side.
        pub max_side_notional: Notional,
        /// Most notional a position.
        pub max_position_notional: Notional,
        /// What settling one position in a settlement of the market pays.
        pub settle_tip: Notional,
        /// Smallest first deposit to the pool.
        pub min_first_deposit: Sats,
        /// Most that the pool takes.
        pub max_pool: Sats,
        /// Smallest tip of an order.
        pub min_order_tip: Sats,
        /// Greatest tip of an order.
        pub max_order_tip: Sats,
        /// Initial margin of a position of size zero.
        pub initial_margin: Bps,
        /// Maintenance margin of a position of size zero.
        pub maintenance_margin: Bps,
        /// Growth of initial margin per $1M.
        pub initial_margin_slope: Bps,
        /// Growth of maintenance margin per $1M.
        pub maintenance_margin_slope: Bps,
        /// Fee of every fill, of its value.
        pub taker_fee: Bps,
        /// The pool's share of fees.
        pub fee_to_pool: Bps,
        /// Insurance's share of fees.
        pub fee_to_insurance: Bps,
        /// The protocol's share of fees.
        pub fee_to_protocol: Bps,
        /// Fee of a liquidation, of the value closed; half is the liquidator's.
        pub liquidation_fee: Bps,
        /// The least that a liquidator gets, of the value closed.
        pub min_reward: Bps,
        /// k: bid and ask lie this many confidences from the price.
        pub spread_multiplier: u32,
        /// Widest confidence for instant actions.
        pub strict_confidence: Bps,
        /// Widest confidence for upkeep.
        pub wide_confidence: Bps,
        /// Greatest distance of the price from its average for actions that add risk.
        pub ema_bound: Bps,
        /// Greatest recent range for instant actions.
        pub max_jump: Bps,
        /// Greatest age of a price for instant actions.
        pub fresh_age: Seconds,
        /// Greatest age of a price for upkeep.
        pub wide_age: Seconds,
        /// How far ahead of the clock a price may be published.
        pub max_future: Seconds,
        /// How long after placing an order fills.
        pub order_delay: Seconds,
        /// How long after an instant increase an instant decrease is refused.
        pub min_hold: Seconds,
        /// The fall of the price that the reserve is computed for.
        pub stress: Bps,
        /// Most of the free pool that the requirement may take.
        pub max_utilisation: Bps,
        /// Profit, of what is free, after a deleveraging.
        pub deleverage_target: Bps,
        /// Profit, of the free pool, that starts a deleveraging.
        pub deleverage_trigger: Bps,
        /// Most funding, parts per billion a day.
        pub max_funding: u32,
        /// Borrow fee at full utilisation, parts per billion a day.
        pub max_borrow: u32,
        /// Longest gap that one accrual covers.
        pub max_accrual_gap: Seconds,
        /// Greatest skew surcharge, of the trade.
        pub impact_max: Bps,
        /// Most that insurance pays in a day, of the fund at the day's start.
        pub insurance_daily_cap: Bps,
        /// Wait between the request and the completion of a withdrawal from the pool.
        pub cool_down: Seconds,
        /// How long a withdrawal can be completed after the cool-down.
        pub withdrawal_window: Seconds,
        /// How long without a usable price before the oracle can be declared dead.
        pub dead_oracle_after: Seconds,
        /// How long after the declaration the market can be settled.
        pub dead_oracle_grace: Seconds,
        /// Keeps the struct a multiple of eight bytes.
        pub reserved: u32,
    }
}

const DAY: u32 = 86_400;
/// A position this small can only be closed whole, and not while its gain is above the free pool.
const MIN_NOTIONAL_MOST: Notional = Notional::new(10_000_000_000);
/// A tip comes out of a margin: where only orders fill, one that most margins cannot pay would keep positions from closing.
const MIN_ORDER_TIP_MOST: Sats = Sats::new(10_000);
const MAX_ORDER_TIP_MOST: Sats = Sats::new(1_000_000);
/// A requirement held against less of the pool than this would keep liquidity in the market as long as a small position stands.
const MAX_UTILISATION_LEAST: Bps = Bps::new(1_000);
/// A gap between usable prices stops the window from ten minutes on: in a shorter one it might be that none comes.
const WITHDRAWAL_WINDOW_LEAST: Seconds = Seconds::new(600);

fn within(value: u32, least: u32, most: u32) -> bool {
    (least..=most).contains(&value)
}

impl Params {
    /// The defaults of the design for a BTC/USD market, caps for a young one.
    pub fn standard() -> Self {
        Self {
            skew_scale: Notional::new(10_000_000_000_000),
            impact_scale: Notional::new(2_000_000_000_000_000),
            min_notional: Notional::new(10_000_000),
            max_side_notional: Notional::new(100_000_000_000_000),
            max_position_notional: Notional::new(10_000_000_000_000),
            settle_tip: Notional::new(2_000),
            min_first_deposit: Sats::new(1_000_000),
            max_pool: Sats::new(1_000_000_000_000),
            min_order_tip: Sats::new(100),
            max_order_tip: Sats::new(100_000),
            initial_margin: Bps::new(200),
            maintenance_margin: Bps::new(100),
            initial_margin_slope: Bps::new(10),
            maintenance_margin_slope: Bps::new(10),
            taker_fee: Bps::new(5),
            fee_to_pool: Bps::new(6_000),
            fee_to_insurance: Bps::new(3_000),
            fee_to_protocol: Bps::new(1_000),
            liquidation_fee: Bps::new(30),
            min_reward: Bps::new(2),
            spread_multiplier: 1,
            strict_confidence: Bps::new(25),
            wide_confidence: Bps::new(60),
            ema_bound: Bps::new(500),
            max_jump: Bps::new(300),
            fresh_age: Seconds::new(3),
            wide_age: Seconds::new(15),
            max_future: Seconds::new(60),
            order_delay: Seconds::new(6),
            min_hold: Seconds::new(60),
            stress: Bps::new(3_000),
            max_utilisation: Bps::new(7_000),
            deleverage_target: Bps::new(7_500),
            deleverage_trigger: Bps::new(8_000),
            max_funding: 3_000_000,
            max_borrow: 1_000_000,
            max_accrual_gap: Seconds::new(DAY),
            impact_max: Bps::new(50),
            insurance_daily_cap: Bps::new(5_000),
            cool_down: Seconds::new(DAY),
            withdrawal_window: Seconds::new(DAY),
            dead_oracle_after: Seconds::new(DAY),
            dead_oracle_grace: Seconds::new(21_600),
            reserved: 0,
        }
    }

    /// Whether every parameter is within its hard bounds and they agree with each other and with the exchange's timelock.
    ///
    /// # Errors
    /// The error of the first row of the table that is broken.
    pub fn validate(&self, timelock: Seconds) -> Result<()> {
        self.validate_margins()?;
        self.validate_fees()?;
        self.validate_oracle()?;
        self.validate_pool()?;
        self.validate_caps()?;
        self.validate_exits(timelock)
    }

    /// The margin ratios among them.
    pub fn margin_ratios(&self) -> MarginRatios {
        MarginRatios {
            initial: self.initial_margin,
            initial_slope: self.initial_margin_slope,
            maintenance: self.maintenance_margin,
            maintenance_slope: self.maintenance_margin_slope,
        }
    }

    /// The same parameters with other margin ratios.
    pub fn with_ratios(&self, ratios: &MarginRatios) -> Self {
        Self {
            initial_margin: ratios.initial,
            initial_margin_slope: ratios.initial_slope,
            maintenance_margin: ratios.maintenance,
            maintenance_margin_slope: ratios.maintenance_slope,
            ..*self
        }
    }

    fn validate_margins(&self) -> Result<()> {
        let maintenance = self.maintenance_margin.get();
        let initial_least = u64::from(maintenance).checked_mul(3).ok_or(Error::Overflow)?;
        ensure(
            within(maintenance, 50, 2_000)
                && self.initial_margin <= Bps::ONE
                && u64::from(self.initial_margin.get()).checked_mul(2) >= Some(initial_least)
                && self.initial_margin_slope.get() <= 1_000
                && self.maintenance_margin_slope <= self.initial_margin_slope,
            Error::MarginRatiosOutOfBounds,
        )
    }

    fn validate_fees(&self) -> Result<()> {
        let split = [self.fee_to_pool, self.fee_to_insurance, self.fee_to_protocol];
        let sum = split.iter().try_fold(Bps::ZERO, |sum, share| sum.plus(*share))?;
        ensure(
            within(self.taker_fee.get(), 3, 50)
                && sum == Bps::ONE
                && self.fee_to_pool.get() >= 5_000
                && self.fee_to_insurance.get() >= 1_000,
            Error::TakerFeeOutOfBounds,
        )?;
        ensure(within(self.spread_multiplier, 1, 3), Error::OracleBoundsOutOfBounds)?;
        let spread_most =
            u64::from(self.spread_multiplier).checked_mul(self.wide_confidence.get_wide()).ok_or(Error::Overflow)?;
        let cost_most = spread_most.checked_add(self.liquidation_fee.get_wide()).ok_or(Error::Overflow)?;
        ensure(
            self.liquidation_fee.get() >= 10 && cost_most < self.maintenance_margin.get_wide(),
            Error::LiquidationFeeOutOfBounds,
        )?;
        ensure(self.min_reward.to_ppb() <= self.non_pool_fee()?, Error::MinRewardOutOfBounds)?;
        let impact_bound = self.maintenance_margin.minus(self.taker_fee).map_err(|_| Error::ImpactOutOfBounds)?;
        ensure(
            !self.impact_scale.is_zero() && self.impact_scale.get() <= u64::MAX >> 1 && self.impact_max < impact_bound,
            Error::ImpactOutOfBounds,
        )
    }

    /// Insurance's and the protocol's part of one taker fee, of the value traded, floored. Errors: `Overflow`.
    pub fn non_pool_fee(&self) -> Result<Ppb> {
        let shares = self.fee_to_insurance.plus(self.fee_to_protocol)?;
        self.taker_fee.to_ppb().scaled(shares.get_wide(), Bps::ONE.get_wide(), Rounding::Floor)
    }

    fn validate_oracle(&self) -> Result<()> {
        ensure(
            self.strict_confidence.get() >= 20
                && self.strict_confidence <= self.wide_confidence
                && within(self.ema_bound.get(), 200, 10_000)
                && within(self.max_jump.get(), 100, 10_000)
                && self.wide_confidence <= Bps::ONE,
            Error::OracleBoundsOutOfBounds,
        )?;
        ensure(
            within(self.fresh_age.get(), 1, 3)
                && within(self.wide_age.get(), 5, 60)
                && within(self.max_future.get(), 10, 600)
                && within(self.order_delay.get(), 4, 60)
                && self.min_hold.get() <= 120,
            Error::AgesOutOfBounds,
        )
    }

    fn validate_pool(&self) -> Result<()> {
        ensure(
            within(self.stress.get(), 1_000, 9_000)
                && self.deleverage_target.get() >= 1_000
                && self.deleverage_target < self.deleverage_trigger
                && self.deleverage_trigger.get() <= 9_000
                && self.max_utilisation >= MAX_UTILISATION_LEAST
                && self.max_utilisation <= self.deleverage_trigger,
            Error::ReserveParamsOutOfBounds,
        )?;
        ensure(
            self.max_funding.checked_add(self.max_borrow).is_some_and(|sum| sum <= 100_000_000)
                && !self.skew_scale.is_zero()
                && within(self.max_accrual_gap.get(), 1, DAY),
            Error::RatesOutOfBounds,
        )?;
        ensure(within(self.insurance_daily_cap.get(), 1_000, 9_000), Error::InsuranceCapOutOfBounds)
    }

    fn validate_caps(&self) -> Result<()> {
        let sizes = [self.min_notional, self.max_position_notional, self.max_side_notional];
        ensure(
            self.min_notional >= DOLLAR
                && self.min_notional <= MIN_NOTIONAL_MOST
                && sizes.iter().all(|size| size.is_whole_dollars())
                && sizes.is_sorted()
                && self.max_side_notional <= MAX_NOTIONAL
                && self.min_first_deposit.get() >= 100_000
                && self.min_first_deposit <= self.max_pool
                && self.max_pool <= MAX_VALUE,
            Error::CapsOutOfBounds,
        )?;
        ensure(
            self.settle_tip <= self.min_notional.times(self.non_pool_fee()?, Rounding::Floor)?
                && self.min_order_tip <= MIN_ORDER_TIP_MOST
                && self.min_order_tip <= self.max_order_tip
                && self.max_order_tip <= MAX_ORDER_TIP_MOST,
            Error::TipsOutOfBounds,
        )
    }

    fn validate_exits(&self, timelock: Seconds) -> Result<()> {
        ensure(
            !self.cool_down.is_zero()
                && self.withdrawal_window >= WITHDRAWAL_WINDOW_LEAST
                && self.cool_down.plus(self.withdrawal_window)? <= timelock
                && within(self.dead_oracle_after.get(), DAY, 30 * DAY)
                && within(self.dead_oracle_grace.get(), 21_600, 7 * DAY),
            Error::ExitTimesOutOfBounds,
        )
    }
}
