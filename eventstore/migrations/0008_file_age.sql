-- Who makes a file's key says when: a process from before 0006 does not, nor does it tell which job names the file, so its
-- files must never count as unnamed and too old.
alter table file_keys alter column made_at drop default;
