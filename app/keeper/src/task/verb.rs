//! What can be done, and what comes first.

use crate::job::Job;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Creates the keeper's token account.
    OpenTokens,
    /// `deleverage`
    Deleverage,
    /// `accrue_funding`
    Accrue,
    /// `liquidate`
    Liquidate,
    /// `execute_order`
    Execute,
    /// `trigger_order`
    Trigger,
    /// `expire_order`
    Expire,
    /// `settle_position` while the market settles
    CloseOut,
    /// `finish_settlement`
    Finish,
    /// `settle_position` with the claim's settlement
    Redeem,
    /// `close_settlement`
    CloseSettlement,
    /// `pay_out`
    PayOut,
    /// `declare_dead`
    DeclareDead,
    /// `show_settlement_price`
    ShowPrice,
    /// `settle_market`
    SettleMarket,
    /// `return_withdrawal`
    ReturnWithdrawal,
}

impl Verb {
    /// The job that it belongs to; none for what every job that is paid needs.
    pub fn job(self) -> Option<Job> {
        match self {
            Verb::OpenTokens => None,
            Verb::Deleverage => Some(Job::Deleverage),
            Verb::Accrue => Some(Job::Funding),
            Verb::Liquidate => Some(Job::Liquidations),
            Verb::Execute | Verb::Trigger | Verb::Expire => Some(Job::Orders),
            Verb::CloseOut | Verb::Finish | Verb::Redeem | Verb::CloseSettlement | Verb::PayOut => Some(Job::Settlement),
            Verb::DeclareDead | Verb::ShowPrice | Verb::SettleMarket => Some(Job::Settlement),
            Verb::ReturnWithdrawal => Some(Job::Withdrawals),
        }
    }

    /// The job's name in logs and metrics.
    pub fn job_name(self) -> &'static str {
        self.job().map_or("setup", Job::name)
    }

    /// Its name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Verb::OpenTokens => "open_tokens",
            Verb::Deleverage => "deleverage",
            Verb::Accrue => "accrue_funding",
            Verb::Liquidate => "liquidate",
            Verb::Execute => "execute_order",
            Verb::Trigger => "trigger_order",
            Verb::Expire => "expire_order",
            Verb::CloseOut => "close_out",
            Verb::Finish => "finish_settlement",
            Verb::Redeem => "redeem",
            Verb::CloseSettlement => "close_settlement",
            Verb::PayOut => "pay_out",
            Verb::DeclareDead => "declare_dead",
            Verb::ShowPrice => "show_settlement_price",
            Verb::SettleMarket => "settle_market",
            Verb::ReturnWithdrawal => "return_withdrawal",
        }
    }

    /// What goes first: what protects everybody, then what pays, then the rest.
    pub(super) fn rank(self) -> u8 {
        match self {
            Verb::OpenTokens | Verb::Deleverage | Verb::SettleMarket => 0,
            Verb::Liquidate | Verb::Execute | Verb::Trigger | Verb::CloseOut => 1,
            _ => 2,
        }
    }
}
