//! Generates data: `cargo run --release -p eip-olist --example generate -- ORDERS SEED DIR`.

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [orders, seed, out] = arguments.as_slice() else {
        return Err("ORDERS SEED DIR?".into());
    };
    let begun = Instant::now();
    let summary = eip_olist::generate(orders.parse()?, seed.parse()?, out.as_ref())?;
    println!("{summary:?} in {:?}", begun.elapsed());
    Ok(())
}
