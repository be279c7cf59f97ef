//! Reads every market of a cluster over JSON-RPC and says what its sides pay.
//!
//! ```text
//! cargo run --release --example read_market -- http://localhost:8899
//! ```

use anyhow::Result;
use inverse_perps_engine::Direction;
use perps::chain::{Chain, Which};
use perps::decimal::{DOLLARS, PRICE};
use perps::rpc::RpcChain;
use perps::view::MarketView;

fn main() -> Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://localhost:8899".to_owned());
    let chain = RpcChain::new(&url);
    for (address, _) in chain.program_accounts(&Which::markets())? {
        let market = MarketView::read(&chain, &address)?;
        let mark = market.mark().map_or("no price yet".to_owned(), |price| PRICE.short(price.get()));
        println!("{address} at {mark}");
        for direction in [Direction::Long, Direction::Short] {
            let side = market.side(direction)?;
            let (notional, pays) = (DOLLARS.short(side.notional.get()), side.pays_ppb_a_day);
            println!("  {direction:?}: {notional} USD in {} positions, pays {pays} parts per billion a day", side.positions);
        }
    }
    Ok(())
}
