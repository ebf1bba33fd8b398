"""What each `tidings` command does; services/cli.py names them and their options.

In: a data folder or URLs. Out: words for a person, or JSON with --json. Promise kept: exit 0 only where what was asked
holds, 1 where it does not, 2 where the command could not run, with the next step.
"""
