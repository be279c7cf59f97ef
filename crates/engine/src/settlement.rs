//! Settlement of a market: what is kept while every position closes at one price, and what it came to (design, section 8).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::math::{divide, multiply, narrow, Rounding};
use crate::units::{Price, Sats, UnixTime};

const ACTIVE: u8 = 0;
const SETTLING: u8 = 1;
const CLOSED: u8 = 2;

/// What a market is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Trading.
    Active,
    /// Closing every position at the kept price.
    Settling,
    /// Closed for good: nothing is opened or provided any more, and what is there can be taken out.
    Closed,
}

stored! {
    /// Where a market stands in its life.
    pub struct Lifecycle {
        /// While settling, the price kept; while the oracle is declared dead, the newest price shown since, zero for none.
        pub settlement_price: Price,
        /// When the price shown was published.
        pub settlement_publish_time: UnixTime,
        /// Profit of the positions settled so far, in satoshi.
        pub claims: Sats,
        /// Most that insurance adds to what the pool pays: its daily share of the fund as it stood when settling began.
        pub top_up_most: Sats,
        /// When the oracle was declared dead; zero while it is not.
        pub declared_dead: UnixTime,
        /// Settlements finished so far.
        pub epoch: u32,
        /// 0 active, 1 settling, 2 closed.
        pub status: u8,
        /// 1 while a settlement is the market's last one, whatever it can pay.
        pub for_good: u8,
        /// Zero.
        pub reserved: [u8; 2],
    }
}

impl Lifecycle {
    /// What the market is doing.
    pub fn status(&self) -> Status {
        match self.status {
            ACTIVE => Status::Active,
            SETTLING => Status::Settling,
            _ => Status::Closed,
        }
    }

    /// Whether the oracle is declared dead.
    pub fn is_declared_dead(&self) -> bool {
        !self.declared_dead.is_zero()
    }

    /// That the market trades.
    ///
    /// # Errors
    /// `MarketSettling`, `MarketClosed`.
    #[inline(always)]
    pub fn ensure_active(&self) -> Result<()> {
        match self.status {
            ACTIVE => Ok(()),
            SETTLING => Err(Error::MarketSettling),
            _ => Err(Error::MarketClosed),
        }
    }

    /// That the market settles.
    ///
    /// # Errors
    /// `MarketNotSettling`.
    pub fn ensure_settling(&self) -> Result<()> {
        ensure(self.status == SETTLING, Error::MarketNotSettling)
    }

    pub(crate) fn begin_settling(&mut self, price: Price, top_up_most: Sats) {
        self.settlement_price = price;
        self.settlement_publish_time = UnixTime::ZERO;
        self.top_up_most = top_up_most;
        self.declared_dead = UnixTime::ZERO;
        self.status = SETTLING;
    }

    /// The next epoch: open again, or closed for good.
    pub(crate) fn end_settling(&mut self, closed: bool) -> Result<()> {
        let epoch = self.epoch.checked_add(1).ok_or(Error::Overflow)?;
        let status = if closed { CLOSED } else { ACTIVE };
        *self = Self { epoch, status, ..Self::default() };
        Ok(())
    }

    pub(crate) fn declare_dead(&mut self, at: UnixTime) {
        self.declared_dead = at;
        self.settlement_price = Price::ZERO;
        self.settlement_publish_time = UnixTime::ZERO;
    }

    pub(crate) fn revive(&mut self) {
        self.declare_dead(UnixTime::ZERO);
    }
}

stored! {
    /// What a settlement came to, and what of it has not been fetched yet, in satoshi.
    pub struct Settlement {
        /// What was set aside for all claims.
        pub payable: Sats,
        /// All claims.
        pub claims: Sats,
        /// What is still set aside.
        pub left: Sats,
        /// Claims not redeemed yet.
        pub unredeemed: Sats,
    }
}

impl Settlement {
    pub(crate) fn new(payable: Sats, claims: Sats) -> Self {
        Self { payable, claims, left: payable, unredeemed: claims }
    }

    /// `floor(claim * payable / claims)`, in satoshi. Errors: `Overflow` for a settlement without claims.
    pub fn share_of(&self, claim: Sats) -> Result<Sats> {
        narrow(divide(multiply(claim.get(), self.payable.get()), self.claims.get(), Rounding::Floor)?).map(Sats::new)
    }

    /// Takes a claim's share out of what is set aside. Returns it, and what the last one leaves behind.
    pub(crate) fn take(&mut self, claim: Sats) -> Result<(Sats, Sats)> {
        let paid = self.share_of(claim)?;
        self.left = self.left.minus(paid)?;
        self.unredeemed = self.unredeemed.minus(claim)?;
        let rest = if self.unredeemed.is_zero() { core::mem::take(&mut self.left) } else { Sats::ZERO };
        Ok((paid, rest))
    }
}
