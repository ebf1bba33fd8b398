-- $1: how many. The same orders on every machine: all follows from the number, nothing from chance or the clock.
insert into demo.orders
select
    n,
    timestamptz '2025-01-01 00:00:00+00' + make_interval(mins => n * 10),
    (array['Marta Lund', 'Tomasz Wolski', 'Ines Prado', 'Jonas Brandt', 'Priya Nair', 'Kaya Demir', 'Hanna Sorsa',
           'Gil Navarro', 'Mei Tanaka', 'Sofia Conti', 'Ailsa Rowan'])[1 + n * 7 % 11],
    (array['DE', 'DK', 'ES', 'FI', 'IT', 'PL', 'PT'])[1 + n * 5 % 7],
    (array['Oak chair', 'Desk lamp', 'Wool rug', 'Bookcase', 'Garden bench', 'Copper kettle', 'Linen sheet',
           'Wall clock', 'Coat stand'])[1 + n * 4 % 9],
    1 + n * 3 % 5,
    990 + n * 37 % 24000,
    case when n % 50 = 0 then 'returned' when n % 9 = 0 then 'open' else 'paid' end
from generate_series(1, $1::integer) as n
