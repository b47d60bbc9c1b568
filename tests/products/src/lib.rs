//! Products and people as an npm package, as an app would make one.

flux_wasm::reduxify!(products: flux_tests::product::products);
flux_wasm::reduxify!(people: flux_tests::person::people, upcasts = flux_tests::person::upcasts());
flux_wasm::query!(queryProducts: flux_tests::product::Product);
