//! Products: fields of every kind, reads of every kind, rejections.

use flux_reducers::{
    Bytes, Collection, Document, Enumeration, Event, Filter, Json, Query, Reduction, Rejection,
    Timestamp, Uuid,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Document)]
#[document(collection = "products")]
#[serde(rename_all = "camelCase")]
pub struct Product {
    pub id: String,
    #[document(index)]
    pub name: String,
    #[document(index)]
    pub stage: Stage,
    pub stock: i64,
    pub available: bool,
    #[document(index)]
    pub price: f64,
    pub rank: Option<i32>,
    pub size: Option<u32>,
    #[document(unique)]
    pub serial: Option<Uuid>,
    pub made_at: Option<Timestamp>,
    pub picture: Option<Bytes>,
    pub attributes: Option<Json>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Enumeration)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    Draft,
    OnSale,
    Discontinued,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ProductEvent {
    ProductAdded(Product),
    ProductPut(Product),
    ProductNamed { id: String, name: String },
    ProductDescribed { id: String, attributes: Option<Json> },
    StockMoved { id: String, by: i64 },
    StageMoved { from: Stage, to: Stage },
    LeastNamed { prefix: String, name: String },
    ProductRemoved { id: String },
    DiscontinuedRemoved,
}

pub fn products(products: &Collection<Product>, event: &ProductEvent) -> Reduction {
    use ProductEvent as E;
    Ok(match event.clone() {
        E::ProductAdded(product) => products.create(product),
        E::ProductPut(product) => products.upsert(product),
        E::ProductNamed { id, name } => products.update_by_id(id, Product::patch().name(name)),
        E::ProductDescribed { id, attributes } => {
            products.update_by_id(id, Product::patch().attributes(attributes))
        }
        E::StockMoved { id, by } => {
            let product = products.find_by_id(&id)?;
            let stock = product.and_then(|product| product.stock.checked_add(by));
            let Some(stock) = stock else {
                return Err(Rejection::new("no_such_product", "there is no such product")
                    .with_field("id")
                    .into());
            };
            if stock < 0 {
                return Err(Rejection::new("out_of_stock", "there are not that many").into());
            }
            products.update_by_id(id, Product::patch().stock(stock))
        }
        E::StageMoved { from, to } => {
            products.update_where(Filter::eq("stage", from), Product::patch().stage(to))
        }
        E::LeastNamed { prefix, name } => {
            let query = Query::from(Filter::starts_with("name", prefix)).ascending("stock");
            match products.find_all(query.limit(1))?.pop() {
                Some(least) => products.update_by_id(least.id, Product::patch().name(name)),
                None => products.no_change(),
            }
        }
        E::ProductRemoved { id } => products.destroy_by_id(id),
        E::DiscontinuedRemoved => products.destroy_where(Filter::eq("stage", Stage::Discontinued)),
    })
}
