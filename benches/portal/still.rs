//! The yardstick: a bare actix-web that answers bytes from memory, with the portal's compression and nothing else of it.

use std::{net::TcpListener, path::Path, process::Command};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header,
    middleware::{Compress, from_fn},
    web,
};
use portico::web::compress;

use crate::support::process::Server;

/// The first argument that makes this program the yardstick.
pub const MODE: &str = "--still";
/// Answers the file that it was started with.
pub const PAGE: &str = "/page";
/// Answers 200 and no bytes.
pub const EMPTY: &str = "/empty";

/// Starts this very program as the server, with the bytes in a file.
pub fn start(file: &Path) -> Server {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(MODE).arg(file);
    Server::start(command, "still at ")
}

/// Never comes back.
pub fn serve(file: &str) {
    let page = std::fs::read_to_string(file).expect("the page");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("still at http://{}", listener.local_addr().expect("its address"));
    let page = web::Bytes::from(page);
    let server = HttpServer::new(move || {
        let page = page.clone();
        App::new()
            .wrap(from_fn(compress::compress))
            .wrap(Compress::default())
            .route(EMPTY, web::get().to(HttpResponse::Ok))
            .route(PAGE, web::get().to(move || answer(page.clone())))
    });
    let server = server.workers(2).tcp_nodelay(true).listen(listener).expect("listening").run();
    actix_web::rt::System::new().block_on(server).expect("served");
}

async fn answer(page: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(page)
}
