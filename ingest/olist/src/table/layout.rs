//! The four tables and the columns of them that are used.

/// A table and the columns of it that are used, the row's own key first.
#[derive(Debug)]
pub(crate) struct Layout<const N: usize> {
    /// Its name in a `dataset.toml`.
    pub(crate) table: &'static str,
    /// Its file in Olist's form.
    pub(crate) file: &'static str,
    pub(crate) columns: [&'static str; N],
}

pub(crate) const ORDERS: Layout<8> = Layout {
    table: "orders",
    file: "olist_orders_dataset.csv",
    columns: [
        "order_id",
        "customer_id",
        "order_status",
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ],
};

pub(crate) const ITEMS: Layout<3> = Layout {
    table: "items",
    file: "olist_order_items_dataset.csv",
    columns: ["order_id", "order_item_id", "seller_id"],
};

pub(crate) const CUSTOMERS: Layout<2> = Layout {
    table: "customers",
    file: "olist_customers_dataset.csv",
    columns: ["customer_id", "customer_state"],
};

pub(crate) const SELLERS: Layout<2> = Layout {
    table: "sellers",
    file: "olist_sellers_dataset.csv",
    columns: ["seller_id", "seller_state"],
};
