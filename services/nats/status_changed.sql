-- Which jobs the next events are of, and how far those events go.
-- $1 partition · $2 position after which the page begins · $3 limit
-- By the primary key (partition, position). No lock.
select position, stream, version
from events
where partition = $1 and position > $2
order by position
limit $3
