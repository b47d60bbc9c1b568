//! Fields of types that a field can't have, each refused at the field.
use flux_reducers::Document;

struct Money(i64);

#[derive(Document)]
#[document(collection = "accounts")]
struct Account {
    id: i64,
    balance: Money,
    history: Vec<i64>,
}

fn main() {}
