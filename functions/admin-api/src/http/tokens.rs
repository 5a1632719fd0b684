//! Tokens, in the registry table: each item names the installation that the token speaks for.

use aws_sdk_dynamodb::Client;
use storehook_aws::{
    registry::TokenItem,
    table::{self, TableError},
};
use storehook_domain::installation::token::TokenHash;

/// The registry's tokens.
#[derive(Clone)]
pub(crate) struct TokenStore {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl TokenStore {
    /// Loads a token, strongly consistent: a revoked one must not be admitted.
    pub(crate) async fn load(&self, token: &TokenHash) -> Result<Option<TokenItem>, TableError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(TokenItem::key_of(token)))
            .consistent_read(true);
        get.send().await?.item.map(table::from_item).transpose()
    }
}
