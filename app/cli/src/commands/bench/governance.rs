//! Costs of governance.

use super::{measure_on, tick, Row, Scene};
use anyhow::Result;
use inverse_perps_engine::params::Params;
use inverse_perps_engine::units::Bps;
use perps::client::governance;
use solana_keypair::Keypair;
use solana_signer::Signer;

const DAY: u32 = 86_400;

impl Scene {
    /// Rows of what admin, nominee and guardian do. The proposal raises a margin ratio.
    pub(super) fn governance_rows(&self) -> Result<Vec<Row>> {
        let mut chain = self.chain.clone();
        let (keys, admin, nominee) = (chain.keys, chain.admin(), Keypair::new_from_array([9; 32]));
        let (signer, next) = (admin.pubkey(), nominee.pubkey());
        chain.token_owner(&nominee, 0)?;
        let mut rows = vec![
            self.step(&mut chain, "pause_risk", governance::pause_risk(&keys, signer), &admin)?,
            self.step(&mut chain, "confirm_pause", governance::confirm_pause(&keys, signer), &admin)?,
            self.step(&mut chain, "resume_risk", governance::resume_risk(&keys, signer), &admin)?,
        ];
        let raised = Params { initial_margin: Bps::new(300), ..Params::standard() };
        let propose = governance::propose_params(&keys, signer, raised);
        rows.push(self.step(&mut chain, "propose_params", propose, &admin)?);
        let cancel = governance::cancel_params(&keys, signer, signer);
        rows.push(measure_on(chain.clone(), "cancel_params", self.state, cancel, &admin)?);
        chain.advance(3 * DAY);
        chain.post(tick(60_000))?;
        let execute = governance::execute_params(&keys, signer, signer, chain.price);
        rows.push(self.step(&mut chain, "execute_params", execute, &admin)?);
        rows.push(self.step(&mut chain, "set_guardian", governance::set_guardian(signer, next), &admin)?);
        rows.push(self.step(&mut chain, "nominate_admin", governance::nominate_admin(signer, next), &admin)?);
        rows.push(self.step(&mut chain, "accept_admin", governance::accept_admin(next), &nominee)?);
        Ok(rows)
    }
}
