-- The three system groups; their keys are 1, 2 and 3 everywhere and the program knows them.
insert into groups (id, name, name_folded, display_name, display_name_folded, description, search_folded, kind, created_at) values
    (1, 'administrators', 'administrators', 'Administrators', 'administrators', 'Users with the administrator role. They see every product.', 'administrators', 'system', '2026-01-01T00:00:00.000000Z'),
    (2, 'developers', 'developers', 'Developers', 'developers', 'Everybody who is signed in.', 'developers', 'system', '2026-01-01T00:00:00.000000Z'),
    (3, 'guests', 'guests', 'Guests', 'guests', 'Everybody who is not signed in.', 'guests', 'system', '2026-01-01T00:00:00.000000Z');
