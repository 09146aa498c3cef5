//! Reads a data set and says what is in it: `cargo run --release -p eip-olist --example read -- DIR`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Instant;

use eip_olist::{Dataset, Limits};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("which folder?")?);
    let begun = Instant::now();
    let data = Dataset::open(&folder, &Limits::default())?;
    let opened = begun.elapsed();
    let (mut with_item, mut bytes) = (0_u64, 0);
    let Ok(()) = data.for_each_order(|_, row| {
        with_item += u64::from(row.has_item);
        bytes += row.order_id.len() + row.seller_region.len() + row.customer_region.len();
        Ok::<(), Infallible>(())
    });
    for file in data.files() {
        println!("{} {} {}", file.name, file.rows, file.sha256);
    }
    for count in data.rejects_by_reason() {
        println!(
            "rejected {} rows of {}: {}",
            count.rows, count.file, count.reason
        );
    }
    let (orders, as_of) = (data.order_count(), data.default_as_of());
    println!("{orders} orders, {with_item} with an item, {bytes} bytes of text, as of {as_of:?}");
    println!(
        "opened in {opened:?}, with a pass over all orders {:?}",
        begun.elapsed()
    );
    Ok(())
}
