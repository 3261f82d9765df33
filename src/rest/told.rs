//! An error as programs read it.

use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = ErrorResponse)]
pub struct Told {
    pub error: ToldError,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ToldError {
    /// Stable: programs may rely on it.
    pub code: &'static str,
    pub message: String,
    /// What is wrong with which member, parameter or header.
    pub details: Vec<Detail>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ErrorDetail)]
pub struct Detail {
    pub code: &'static str,
    pub target: String,
    pub message: String,
}
