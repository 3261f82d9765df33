//! The extractors: from a request's session to a `Visitor`, `SignedIn` or `Administrator`. What they refuse is drawn by `web::errors`.

use std::future::{Ready, ready};

use actix_session::SessionExt;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};

use super::{
    Administrator, Again, Person, SignedIn, Standing, Visitor,
    pages::{again_given, has_password, own_session},
    session,
};
use crate::error::Error;

/// Who asks, once a request: a stale or foreign cookie is a guest.
pub fn visitor(request: &HttpRequest) -> Visitor {
    if let Some(visitor) = request.extensions().get::<Visitor>() {
        return visitor.clone();
    }
    let session = request.get_session();
    let person = session.get::<Person>(session::PERSON).ok().flatten();
    let visitor = Visitor::of(person.zip(session.get::<Standing>(session::STANDING).ok().flatten()));
    request.extensions_mut().insert(visitor.clone());
    visitor
}

/// Whether the request was looked at and found to be a guest's. Asked when the session is over, where nothing can be looked up any more.
pub fn known_guest(request: &HttpRequest) -> bool {
    matches!(request.extensions().get::<Visitor>(), Some(Visitor::Guest))
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(visitor(request)))
    }
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visitor(request).signed_in())
    }
}

impl FromRequest for Again {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visitor(request).signed_in().map(|who| Again::new(who, own_session(request), again_given(request), has_password(request))))
    }
}

impl FromRequest for Administrator {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visitor(request).administrator())
    }
}
