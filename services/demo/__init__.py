"""Three real jobs, written as a product service would write them: an export, an import and an AI job.

In: a running service, a Postgres database, call notes. Out: files, rows and summaries, each exactly once.
"""
