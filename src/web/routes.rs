//! The route table: what is mounted, and a list of it for the test that holds it against the access table.

use std::collections::HashSet;

use super::{rest, scim};
use crate::rest::openapi::Described;
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

/// The pattern that a request was matched by, and the methods that it takes.
pub struct Pattern {
    path: &'static str,
    methods: Vec<Method>,
}

impl Pattern {
    /// None when no route matched.
    pub fn of(request: &HttpRequest) -> Option<&'static str> {
        request.app_data::<Pattern>().map(|pattern| pattern.path)
    }

    /// What `Allow` says of an address (RFC 9110, section 10.2.1). `changes`: whether what is there can be changed.
    pub fn allowed(request: &HttpRequest, changes: bool) -> Option<String> {
        let pattern = request.app_data::<Pattern>()?;
        let names = pattern.methods.iter().filter(|method| changes || method.is_safe()).map(Method::as_str);
        Some(names.collect::<Vec<_>>().join(", "))
    }
}

/// A route of programs, and what it says of itself.
type Saying = (Method, &'static str, fn() -> Described);

/// Routes in the order in which they are matched, those without gaps before the others.
#[derive(Default)]
pub struct Routes {
    entries: Vec<(Method, &'static str, Route)>,
    described: Vec<Saying>,
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

    /// What programs ask, by whichever method, and what it says of itself.
    pub fn on<F, Args>(&mut self, method: Method, path: &'static str, handler: F, described: fn() -> Described) -> &mut Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.described.push((method.clone(), path, described));
        self.entries.push((method.clone(), path, web::method(method).to(handler)));
        self
    }

    /// What programs ask that have a description of their own to read, by whichever method.
    pub fn told_elsewhere<F, Args>(&mut self, method: Method, path: &'static str, handler: F) -> &mut Self
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

    /// What the routes of programs say of themselves.
    pub fn described(&self) -> impl Iterator<Item = (&str, &'static str, Described)> {
        self.described.iter().map(|(method, path, described)| (method.as_str(), *path, described()))
    }

    pub fn pages(&self) -> Pages {
        Pages(self.entries.iter().filter(|(method, _, _)| method == Method::GET).map(|(_, path, _)| *path).collect())
    }

    /// Mounts them; a known path with another method is 405.
    pub fn mount(self, config: &mut web::ServiceConfig) {
        let mut resources: Vec<(&'static str, actix_web::Resource)> = Vec::new();
        let methods = |path: &str| {
            let of_path = self.entries.iter().filter(|(_, known, _)| *known == path);
            let mut methods: Vec<Method> = of_path.map(|(method, _, _)| method.clone()).collect();
            // A page answers HEAD as well.
            let by_programs = rest::is_for_programs(path) || scim::is_asked(path);
            if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) && !by_programs {
                methods.push(Method::HEAD);
            }
            methods
        };
        let patterns: Vec<Vec<Method>> = self.entries.iter().map(|(_, path, _)| methods(path)).collect();
        for ((_, path, route), methods) in self.entries.into_iter().zip(patterns) {
            match resources.iter().position(|(known, _)| *known == path) {
                Some(index) => {
                    let (path, resource) = resources.remove(index);
                    resources.insert(index, (path, resource.route(route)));
                }
                None => resources.push((path, web::resource(path).app_data(Pattern { path, methods }).route(route))),
            }
        }
        // A pattern with gaps is a regular expression, tried on every request that comes past it. What only programs ask stands last.
        resources.sort_by_key(|(path, _)| (rest::is_for_programs(path) || scim::is_asked(path), path.contains('{')));
        for (_, resource) in resources {
            config.service(resource.default_service(web::to(super::errors::method_not_allowed)));
        }
    }
}
