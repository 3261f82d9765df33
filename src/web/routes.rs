//! The route table: what is mounted, and a list of it for the test that holds it against the access table.

use std::collections::HashSet;

use super::rest;
use actix_web::{FromRequest, Handler, HttpRequest, Responder, Route, guard, http::Method, web, web::Data};

/// The patterns that answer GET: an address that only takes a form is not one to go back to.
pub struct Pages(HashSet<&'static str>);

impl Pages {
    /// Whether a path (with or without its query) is one that a browser can be sent to.
    pub fn has(request: &HttpRequest, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let pattern = request.resource_map().match_pattern(path);
        pattern.zip(request.app_data::<Data<Pages>>()).is_some_and(|(pattern, pages)| pages.0.contains(pattern.as_str()))
    }
}

/// The pattern that a request was matched by.
pub struct Pattern(&'static str);

impl Pattern {
    /// None when no route matched.
    pub fn of(request: &HttpRequest) -> Option<&'static str> {
        request.app_data::<Pattern>().map(|pattern| pattern.0)
    }
}

/// Routes in the order in which they are matched, those without gaps before the others.
#[derive(Default)]
pub struct Routes {
    entries: Vec<(Method, &'static str, Route)>,
}

impl Routes {
    /// A page; HEAD answers as GET does, without the body.
    pub fn get<F, Args>(&mut self, path: &'static str, handler: F) -> &mut Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler);
        self.entries.push((Method::GET, path, route));
        self
    }

    /// A state change.
    pub fn post<F, Args>(&mut self, path: &'static str, handler: F) -> &mut Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.entries.push((Method::POST, path, web::post().to(handler)));
        self
    }

    /// What programs ask, by whichever method.
    pub fn on<F, Args>(&mut self, method: Method, path: &'static str, handler: F) -> &mut Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.entries.push((method.clone(), path, web::method(method).to(handler)));
        self
    }

    /// Method and pattern of every route.
    pub fn list(&self) -> Vec<(Method, &'static str)> {
        self.entries.iter().map(|(method, path, _)| (method.clone(), *path)).collect()
    }

    pub fn pages(&self) -> Pages {
        Pages(self.entries.iter().filter(|(method, _, _)| method == Method::GET).map(|(_, path, _)| *path).collect())
    }

    /// Mounts them; a known path with another method is 405.
    pub fn mount(self, config: &mut web::ServiceConfig) {
        let mut resources: Vec<(&'static str, actix_web::Resource)> = Vec::new();
        for (_, path, route) in self.entries {
            match resources.iter().position(|(known, _)| *known == path) {
                Some(index) => {
                    let (path, resource) = resources.remove(index);
                    resources.insert(index, (path, resource.route(route)));
                }
                None => resources.push((path, web::resource(path).app_data(Pattern(path)).route(route))),
            }
        }
        // A pattern with gaps is a regular expression, tried on every request that comes past it. What only programs ask stands last.
        resources.sort_by_key(|(path, _)| (rest::is_for_programs(path), path.contains('{')));
        for (_, resource) in resources {
            config.service(resource.default_service(web::to(super::errors::method_not_allowed)));
        }
    }
}
