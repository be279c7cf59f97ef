//! One error a rule. The list stands once, here; the program turns it into its own error codes.

/// Result of the engine.
pub type Result<T> = core::result::Result<T, Error>;

/// Calls `$callback!` with every error and its message: `Name = "rule and bound",`.
#[macro_export]
macro_rules! for_each_engine_error {
    ($callback:ident) => {
        $callback! {
            Overflow = "A quantity would leave its documented range",
            PriceNotPositive = "The oracle price and its average must be positive",
            PriceOutOfRange = "The price must be from $1 to $100,000,000",
            ExponentOutOfRange = "The price exponent must be from -12 to 0",
            PriceInFuture = "The price is published further ahead of the clock than max_future",
            PriceTooOld = "The price is older than this action allows: fresh_age for instant trades, liquidity and withdrawals, wide_age otherwise",
            ConfidenceTooWide = "The confidence interval is wider than this action allows: strict_confidence or wide_confidence of the price",
            PriceFarFromAverage = "The price is further than ema_bound from its moving average; opening, liquidity and withdrawals wait",
            PriceJumped = "The price moved by more than max_jump within the last minute; instant actions wait",
            PriceRequired = "An open position needs the oracle's price account for this",
            AmountZero = "The amount must be above zero",
            NotWholeDollars = "The notional must be a whole number of dollars",
            BelowMinNotional = "The position's notional would be below min_notional; close it whole instead",
            PositionCapExceeded = "The position's notional would be above max_position_notional",
            SideCapExceeded = "The side's open interest would be above max_side_notional or its hard bounds ($10 billion, 21 million BTC)",
            OppositeDirection = "The position is open in the other direction; close it first, one call never flips",
            NoOpenPosition = "There is no open position to act on",
            ReductionTooLarge = "The reduction is larger than the position; ask for the whole instead",
            SlippageExceeded = "The fill price is worse than the limit price",
            DeadlineExpired = "The deadline has passed",
            MinHoldNotOver = "The position was increased less than min_hold ago and cannot be decreased instantly yet",
            MarginBelowInitial = "The margin, less tips and loss on paper, would be below initial margin",
            MarginBelowAmount = "The margin is less than the amount",
            MarginBelowFee = "The margin cannot pay the fee; add margin or close the position whole",
            ReserveExceeded = "The pool's requirement would be above max_utilisation of its free part",
            PoolExhausted = "The gain is above the free pool; close a part, or wait",
            NotLiquidatable = "The position's equity is not below its maintenance margin",
            PositionNotEmpty = "The account still holds an open position, margin, a claim or open orders",
            PoolNotSolvent = "The pool's equity is not positive; it takes no deposits until it is",
            BelowMinFirstDeposit = "The first deposit must be at least min_first_deposit",
            PoolCapExceeded = "The pool would be above max_pool",
            TooFewShares = "The deposit would mint fewer shares than min_shares, or none",
            MarketSettling = "The market settles: settle_position closes each position at the kept price, then finish_settlement opens or closes it",
            MarketClosed = "The market is closed for good: nothing is opened or provided any more, and what is there can be taken out",
            MarketNotSettling = "The market is not settling",
            SettlementUnfinished = "Positions are still open; settle_position closes each before finish_settlement",
            DeleverageNotDue = "The profit on paper is at most deleverage_trigger of the free pool",
            ClaimUnredeemed = "The position has a claim on a settlement; settle_position with the Settlement account redeems it first",
            NoClaim = "The position has no claim to redeem",
            ClaimsOutstanding = "Claims on a settlement are not redeemed yet; the pool is paid out after the last one",
            CoolDownNotOver = "The withdrawal was requested less than cool_down ago",
            WithdrawalLapsed = "The withdrawal's window has passed; have the shares returned and request anew",
            WithdrawalNotLapsed = "The withdrawal can still be completed; only its owner can cancel it",
            PayoutTooSmall = "The withdrawal would pay less than min_sats",
            OracleDead = "The oracle was declared dead more than dead_oracle_grace ago; settle_market is what is left",
            OracleAlreadyDead = "The oracle is already declared dead",
            OracleNotDead = "The oracle is not declared dead, or a usable price came less than dead_oracle_after ago",
            GracePeriodOver = "dead_oracle_grace is over; the settlement price stands",
            GracePeriodNotOver = "The oracle was declared dead less than dead_oracle_grace ago",
            PriceNotNewer = "The price is not newer than the newest accepted or shown",
            SettlementConfidenceTooWide = "The confidence interval of a settlement price must be at most 1,000 bps of it",
            OrdersOnly = "The market fills orders alone: place_order, then execute_order",
            OrderPending = "An order of the position waits for its fill; until it has left, its owner neither trades, withdraws nor places another",
            OrderTipOutOfBounds = "The tip must be from min_order_tip to max_order_tip",
            MarginBelowTip = "The margin that other orders have not reserved is less than the tip",
            MarginBelowMaintenance = "With this tip reserved, the position's equity would be below its maintenance margin",
            OrderWouldTrigger = "The price is past the trigger already; place a market order instead",
            OrderNotResting = "The order waits for its fill; it cannot be cancelled or triggered, execute_order fills it within 60 seconds of T",
            OrderNotPending = "The order rests; trigger_order comes before execute_order",
            OrderVoid = "The order is void: expire_order removes it and returns its tip to its owner",
            OrderExpired = "The order has expired; expire_order removes it",
            OrderNotExpired = "The order is neither void nor past its expiry, or T + 60 seconds where it waits for its fill",
            OrderTooYoung = "The order was placed or triggered less than 15 slots ago",
            TriggerNotReached = "The price is not past the order's trigger, or was published too early to trigger it: order_delay after placing, 60 seconds after a missed bound",
            PriceBeforeOrder = "The market's price is older than the order's T; bring a newer one",
            NotFirstUpdate = "The fill price must be the first update at or after T; from T + 10 seconds, any published at most 3 seconds after T",
            MarginBelowFilling = "The margin, less tips, fee and loss on paper, would be below three quarters of initial margin, or below maintenance margin, at the worse of both prices",
            ClockLagFound = "The clock turned out to lag so far that the order's T lay in the past of its placing",
            DelegateBudgetExceeded = "The delegate's fees, spread and tips of the day would be above the daily budget",
            LedgerNotConserved = "The ledger's sum changed in an instruction that moves no tokens",
            SideNotEmpty = "A side without positions still holds shares, basis or costs",
            MarginRatiosOutOfBounds = "maintenance_margin must be 50 to 2,000 bps, initial_margin 1.5 times that to 10,000 bps, slopes up to 1,000 bps per $1M and initial not below maintenance",
            TakerFeeOutOfBounds = "taker_fee must be 3 to 50 bps; its split must sum to 10,000 bps with the pool at least 5,000 and insurance at least 1,000",
            LiquidationFeeOutOfBounds = "liquidation_fee must be at least 10 bps, and with spread_multiplier * wide_confidence below maintenance_margin",
            MinRewardOutOfBounds = "min_reward must be at most taker_fee * (insurance share + protocol share)",
            OracleBoundsOutOfBounds = "spread_multiplier must be 1 to 3, confidence bounds 20 bps or more with strict at most wide, ema_bound at least 200 bps, max_jump at least 100 bps, none above 10,000 bps",
            AgesOutOfBounds = "fresh_age must be 1 to 3 s, wide_age 5 to 60 s, max_future 10 to 600 s, order_delay 4 to 60 s, min_hold at most 120 s",
            ReserveParamsOutOfBounds = "stress must be 1,000 to 9,000 bps, 1,000 <= deleverage_target < deleverage_trigger <= 9,000 bps, and 1,000 bps <= max_utilisation <= deleverage_trigger",
            RatesOutOfBounds = "max_funding + max_borrow must be at most 10 % a day, skew_scale above zero, max_accrual_gap 1 s to 1 day",
            ImpactOutOfBounds = "impact_scale must be above zero and impact_max below maintenance_margin - taker_fee",
            CapsOutOfBounds = "$1 <= min_notional <= $10,000, min_notional <= max_position_notional <= max_side_notional <= $10 billion, whole dollars; 100,000 sats <= min_first_deposit <= max_pool <= 21 million BTC",
            TipsOutOfBounds = "settle_tip must be at most the fee's insurance and protocol share on min_notional; min_order_tip at most 10,000 sats and at most max_order_tip, which is at most 1,000,000 sats",
            InsuranceCapOutOfBounds = "insurance_daily_cap must be 1,000 to 9,000 bps",
            ExitTimesOutOfBounds = "cool_down must be above zero, withdrawal_window at least 10 minutes, both together at most the timelock; dead_oracle_after 1 to 30 days, dead_oracle_grace 6 hours to 7 days",
            RiskPaused = "What adds risk is paused; margin, closing, liquidating and every withdrawal work",
            RiskAlreadyPaused = "What adds risk is paused already; a pause lasts 7 days, a confirmed one until the admin resumes",
            PauseTooSoon = "The last pause lapsed less than 7 days ago; until then the admin alone can pause, by confirming",
            RiskNotPaused = "There is no pause to end: none was begun since the admin last resumed",
            TimelockNotOver = "The proposal was made less than the timelock ago",
            ProposalExpired = "The proposal could be executed for 14 days after its timelock and has expired; cancel it and propose anew",
        }
    };
}

macro_rules! define {
    ($($name:ident = $message:literal,)*) => {
        /// What a rule says when it is broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Error {
            $(#[doc = $message] $name,)*
        }

        impl Error {
            /// The rule and its bound.
            pub fn message(self) -> &'static str {
                match self {
                    $(Error::$name => $message,)*
                }
            }
        }
    };
}
for_each_engine_error!(define);

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.message())
    }
}

impl core::error::Error for Error {}

/// `Ok` where the rule holds, its error otherwise.
///
/// # Errors
/// The one given.
#[inline(always)]
pub fn ensure(rule: bool, error: Error) -> Result<()> {
    if rule {
        Ok(())
    } else {
        Err(error)
    }
}
