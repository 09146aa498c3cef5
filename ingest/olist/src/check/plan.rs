//! Which files are which table: the choice that a suggested `dataset.toml` is made of.

use std::collections::BTreeMap;

use super::file::Looked;
use super::names::{TableMatch, found_of, name_fit};
use crate::dataset::{CUSTOMERS_AT, ITEMS_AT, ORDERS_AT, SELLERS_AT};
use crate::files::{FILES, TABLES};

/// Files that are written alike: the same columns and the same separator.
pub(super) struct Group<'a> {
    pub(super) files: Vec<&'a Looked>,
}

/// How one table can be read.
pub(super) struct TablePlan<'a> {
    /// Its place in [`TABLES`].
    pub(super) at: usize,
    pub(super) files: Vec<&'a Looked>,
    /// Olist's column → the file's.
    pub(super) columns: BTreeMap<&'static str, String>,
    /// Olist's column → the value of every row, and why.
    pub(super) constants: Vec<(&'static str, &'static str, &'static str)>,
    /// Columns that were not found and that no constant can stand for.
    pub(super) missing: Vec<&'static str>,
}

/// The plan of all tables, by their places in [`TABLES`].
pub(super) type Plan<'a> = [Option<TablePlan<'a>>; 4];

impl TablePlan<'_> {
    pub(super) fn table(&self) -> &'static str {
        TABLES[self.at]
    }

    /// The columns of a file of it, all of them with the same header.
    pub(super) fn header(&self) -> &[String] {
        &self.files[0].file.columns
    }

    /// Whether it is Olist's own file, which is found without being named.
    pub(super) fn is_olists_file(&self) -> bool {
        let [only] = self.files.as_slice() else {
            return false;
        };
        let name = only.file.name.as_str();
        let bare = name.trim_end_matches(".gz").trim_end_matches(".zst");
        bare == FILES[self.at]
    }
}

/// Puts files that are written alike together.
pub(super) fn groups(files: &[Looked]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for looked in files.iter().filter(|looked| looked.can_be_read()) {
        let same = |group: &&mut Group<'_>| {
            let first = group.files[0];
            first.file.columns == looked.file.columns
                && first.file.delimiter == looked.file.delimiter
                && first.is_parquet == looked.is_parquet
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.files.push(looked),
            None => groups.push(Group {
                files: vec![looked],
            }),
        }
    }
    groups
}

/// Chooses the files of each table.
pub(super) fn plan<'a>(groups: &[Group<'a>]) -> Plan<'a> {
    let mut orders = choose(ORDERS_AT, groups);
    let apart = choose(CUSTOMERS_AT, groups).filter(|customers| {
        let orders = orders.as_ref();
        orders.is_none_or(|orders| orders.header() != customers.header())
    });
    let customers = apart.or_else(|| customers_of(orders.as_mut()?));
    let items = choose(ITEMS_AT, groups).or_else(|| items_of(orders.as_ref()?));
    let sellers = choose(SELLERS_AT, groups)
        .or_else(|| sellers_of(items.as_ref()?))
        .map(|sellers| not_twice(sellers, customers.as_ref()));
    let mut plan = [sellers, customers, orders, items];
    for table in plan.iter_mut().flatten() {
        fill_in(table);
    }
    plan
}

/// The best group for a table: by name first, then by how many of its columns are there.
fn choose<'a>(at: usize, groups: &[Group<'a>]) -> Option<TablePlan<'a>> {
    let fits = groups.iter().filter_map(|group| {
        let first = &group.files[0].file;
        let found = first
            .tables
            .iter()
            .find(|found| found.table == TABLES[at])?;
        let score = (name_fit(at, &first.name), found.columns.len());
        Some((score, group, found))
    });
    let best = fits.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, group, found)| of_match(at, &group.files, found.clone()))
}

fn of_match<'a>(at: usize, files: &[&'a Looked], found: TableMatch) -> TablePlan<'a> {
    TablePlan {
        at,
        files: files.to_vec(),
        columns: found.columns,
        constants: Vec::new(),
        missing: found.missing,
    }
}

/// A table from the columns of another one's files.
fn beside<'a>(at: usize, other: &TablePlan<'a>) -> TablePlan<'a> {
    of_match(at, &other.files, found_of(at, other.header()))
}

impl TablePlan<'_> {
    /// Takes one column for two.
    fn take(&mut self, column: &'static str, name: &str) {
        self.columns.insert(column, name.to_owned());
        self.missing.retain(|missing| *missing != column);
    }
}

/// Customers that the orders' own files tell. Each order is then its own customer, whatever name its
/// customer has: one customer may have parcels sent to several regions.
fn customers_of<'a>(orders: &mut TablePlan<'a>) -> Option<TablePlan<'a>> {
    let mut customers = beside(CUSTOMERS_AT, orders);
    customers.columns.get("customer_state")?;
    let key = orders.columns.get("order_id")?.clone();
    customers.take("customer_id", &key);
    orders.take("customer_id", &key);
    Some(customers)
}

/// Items that the orders' own files tell; where no seller is named, its state stands for it.
fn items_of<'a>(orders: &TablePlan<'a>) -> Option<TablePlan<'a>> {
    let mut items = beside(ITEMS_AT, orders);
    items.columns.get("order_id")?;
    let sellers = found_of(SELLERS_AT, orders.header());
    let state = sellers.columns.get("seller_state")?;
    items.take("seller_id", state);
    Some(items)
}

fn sellers_of<'a>(items: &TablePlan<'a>) -> Option<TablePlan<'a>> {
    let mut sellers = beside(SELLERS_AT, items);
    sellers.columns.get("seller_state")?;
    sellers.take("seller_id", items.columns.get("seller_id")?);
    Some(sellers)
}

/// One column is not the state of both customer and seller.
fn not_twice<'a>(mut sellers: TablePlan<'a>, customers: Option<&TablePlan<'a>>) -> TablePlan<'a> {
    let of_customers = customers.and_then(|customers| {
        let is_same = customers.header() == sellers.header();
        customers.columns.get("customer_state").filter(|_| is_same)
    });
    if of_customers.is_some() && sellers.columns.get("seller_state") == of_customers {
        sellers.columns.remove("seller_state");
        sellers.missing.push("seller_state");
    }
    sellers
}

/// Columns without which an order can still be read.
fn fill_in(table: &mut TablePlan<'_>) {
    let constant = |column: &str| match (table.at, column) {
        (ORDERS_AT, "order_status") => Some(("", "only canceled and unavailable change anything")),
        (ORDERS_AT, "customer_id") => Some(("", "the customer's region is then unknown (ZZ)")),
        (ORDERS_AT, "order_id" | "order_purchase_timestamp") => None,
        (ORDERS_AT, _) => Some(("", "orders then have no such time")),
        (ITEMS_AT, "order_item_id") => Some(("1", "each row is then its order's only item")),
        _ => None,
    };
    let (known, missing): (Vec<_>, Vec<_>) = table
        .missing
        .iter()
        .map(|&column| (column, constant(column)))
        .partition(|(_, constant)| constant.is_some());
    let constants = known
        .into_iter()
        .filter_map(|(column, constant)| constant.map(|(value, why)| (column, value, why)));
    table.constants = constants.collect();
    table.missing = missing.into_iter().map(|(column, _)| column).collect();
}
