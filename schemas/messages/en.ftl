### Every text of ours that a person reads, in English. Read each aloud: if it sounds like a server, write it again.
### Words of a job type (title, stage, unit …) and of a worker come in as arguments, nouns in the form their count wants.
### The arguments of the problems stand in PROBLEM_ARGS beside this file; one that is missing is the word "none".

## Visible states

state-queued = Queued
state-running = Running
state-needs_fix = Needs fix
state-finished = Finished
state-canceled = Canceled

## What the system does right now: never a wait, an age, or a count of other jobs

sentence-scheduled = Waiting for its start time.
sentence-ready = Waiting for a free worker.
sentence-ready-lost = The last try stopped early. Waiting for a free worker to try again.
sentence-ready-failed = The last try failed. Waiting for a free worker to try again.
sentence-delayed = Still waiting for a free worker. This takes longer than it should.
sentence-again = Getting ready to try again.
sentence-lost = The last try stopped early. We will try again on our own.
sentence-failed = The last try failed. We will try again on our own.
sentence-starting = Starting the work.
sentence-working = Still working.
sentence-stage = { $stage }.
sentence-stage-counted = { $stage }: { $done } of { $total } { $unit }.
sentence-stage-so-far = { $stage }: { $done } { $unit } so far.
sentence-counted = Still working: { $done } of { $total } { $unit }.
sentence-so-far = Still working: { $done } { $unit } so far.
sentence-working-attention = { $title } running. { attention }
sentence-quiet = Still running, but there has been no progress for a while. We keep watching.
sentence-quiet-stage = { $stage }: still running, but there has been no progress for a while. We keep watching.
sentence-stuck = Still running, but nothing has moved for too long.
sentence-stuck-stage = { $stage }: still running, but nothing has moved for too long.
sentence-finalizing = The work is done. Storing your result.
sentence-finalizing-attention = Storing your result. { attention }
sentence-canceling = Stopping, as requested.
sentence-asking = { attention }
sentence-asking-plain = This job needs a fix from you.
sentence-gave_up = { $tries ->
    [one] The job stopped after 1 try and no longer runs.
   *[other] The job stopped after { $tries } tries and no longer runs.
}
sentence-overdue = The deadline passed before the work was done. The job no longer runs.
sentence-done = Your result is ready to open.
sentence-done-removed = Finished. The result has been removed.
sentence-done-file = Your file is ready to download.
sentence-done-named = Your file is ready to download: { $name }
sentence-partly_done = { $ready ->
    [0] No { $ready_noun } are ready yet.
    [one] 1 { $ready_noun } is ready.
   *[other] { $ready } { $ready_noun } are ready.
} Retry { $failed } failed { $unit }.
sentence-partly_done-plain = Your result is ready, but some parts of it failed.
sentence-stopped = Stopped, as requested.
sentence-expired = The fix it needed did not come in time.

attention = { $failed ->
    [one] 1 { $unit } needs attention.
   *[other] { $failed } { $unit } need attention.
}

## What is wrong, and the next step

trouble-lost = We do not know why the last try stopped early.
trouble-failed = The last try failed.
trouble-stuck = Nothing has moved for longer than this kind of job allows.
trouble-gave_up = The work could not be finished.
trouble-overdue = The deadline passed before the work was done.
trouble-expired = We stopped this job, because it had waited too long for a fix.

support = Need help? Contact support with { $ref }.

next-worker = { $next } { support }
next-wait = You do not need to do anything. We will try again. { support }
next-stuck = Keep waiting, or cancel the job and start it again. { support }
next-items-running = Nothing to do yet. When the job ends, you can fix the { $unit } that failed and retry only those.
next-items-running-again = Nothing to do yet. When the job ends, you can retry only the { $unit } that failed.
next-items-canceling = Wait until the job has stopped. You can then retry the { $unit } that failed.
next-items = Download the problem { $unit }, fix what is wrong, and retry only those. { support }
next-items-again = Retry only the { $unit } that failed. The download says why. { support }
next-fix = Fix this, then retry. { support }
next-fix-row = Fix row { $row }, then retry. { support }
next-fix-cell = Fix { $column } in row { $row }, then retry. { support }
next-fix-column = Fix { $column }, then retry. { support }
next-retry = Retry the job. If it fails again, contact support with { $ref }.
next-expired = Fix what was wrong, then retry. { support }

## Around the job

button-view = View status
button-start = Start again

leave-safe = You can leave this page. We will keep working.
leave-stay = Please keep this page open until the job has ended.
leave-canceling = You can leave this page. We will finish stopping the job.
leave-blocked = You can leave this page and come back to it. The job waits for you.
leave-ended = You can leave this page. There is nothing left to wait for.

place-default = Your result will appear here.
place-ready = Your result is here.
place-removed = Removed. The personal data of this job was erased, as was asked for.
place-canceling = Once it has stopped, no result will appear.
place-nothing = This job was canceled, so no result will appear.

wait-none = This job has no reliable finish estimate yet. We will update status as steps complete.
wait-blocked = There is no finish estimate while this job needs a fix.
wait-ended = This job has ended.

## How long it may take: as a person would say it, never a countdown

wait-high = { $high_unit ->
    [seconds] { $high } seconds
    [minutes] { $high ->
        [one] 1 minute
       *[other] { $high } minutes
    }
    [hours] { $high ->
        [one] 1 hour
       *[other] { $high } hours
    }
   *[days] { $high ->
        [one] 1 day
       *[other] { $high } days
    }
}
wait-low = { $low_unit ->
    [seconds] { $low } seconds
    [minutes] { $low ->
        [one] 1 minute
       *[other] { $low } minutes
    }
    [hours] { $low ->
        [one] 1 hour
       *[other] { $low } hours
    }
    [days] { $low ->
        [one] 1 day
       *[other] { $low } days
    }
   *[same] { $low }
}
wait-note = { $note ->
    [longer] { " " }The line is longer than usual.
    [slower] { " " }This kind of work is slower than usual right now.
   *[none] { "" }
}
wait-queue-range = Queued now. Expected start in { wait-low } to { wait-high }.{ wait-note }
wait-queue-bound = Usually starts within { wait-high }.{ wait-note }
wait-queue-none = We can't say yet when this job will start.{ wait-note }
wait-work-range = { $sized ->
    [yes] Most jobs this size finish in { wait-low } to { wait-high }.
   *[no] Most jobs like this finish in { wait-low } to { wait-high }.
}{ wait-note }
wait-work-bound = { $sized ->
    [yes] 9 in 10 jobs this size finish within { wait-high }.
   *[no] 9 in 10 jobs like this finish within { wait-high }.
}{ wait-note }
wait-total-range = Expected to be ready in { wait-low } to { wait-high }.
wait-total-bound = Usually ready within { wait-high }.
wait-overdue = Taking longer than most. 9 in 10 like it finish within { wait-high }.{ wait-note }
wait-overdue-none = Taking longer than almost every job like it, so we can't say when it will finish. We will update status as steps complete.

## Why a job waits, at the moment of reading

waiting-before = { $ahead ->
    [0] Your job is next.
    [one] 1 job is before yours.
   *[other] { $about ->
        [yes] About { $ahead } jobs are before yours.
       *[no] { $ahead } jobs are before yours.
    }
}
waiting-workers_busy = { $ahead ->
    [0] Your job is next, as soon as a worker is free.
   *[other] { waiting-before }
}
waiting-no_workers = No worker is here for jobs like this right now. { waiting-before }
waiting-type_limit = No more jobs like this may run at once. Yours starts after one of them ends. { waiting-before }
waiting-tenant_limit = Your organization runs as many jobs like this at once as it may. Yours starts after one of them ends. { waiting-before }
waiting-owner_limit = You run as many jobs like this at once as you may. Yours starts after one of them ends.
waiting-not_before = This job waits for the time it was planned for.
waiting-retry_pause = A short pause before the next try.

action-download = Download file
action-open = Open result
action-download_problems = { $failed ->
    [one] Download 1 problem { $unit }
   *[other] Download { $failed } problem { $unit }
}
action-retry_failed = { $failed ->
    [one] Retry 1 failed { $unit }
   *[other] Retry { $failed } failed { $unit }
}
action-retry_safely = Retry safely
action-retry = Retry
action-retry_all = { $mode ->
    [resumes] Go on where it stopped
   *[starts_fresh] { $safety ->
        [safe] Retry everything safely
       *[other] Retry everything
    }
}
action-cancel = Cancel
action-again = Start a new one

## Before a retry

risk = { $safety ->
    [may_charge] This could make a new result or another charge.
   *[may_duplicate] This could add { $ready_noun } twice.
}
mode = { $mode ->
    [resumes] It goes on where it stopped.
   *[starts_fresh] It starts from the beginning.
}
warning-all = { mode } { risk }
warning-failed = { $failed ->
    [one] It runs only the 1 failed { $unit } again.
   *[other] It runs only the { $failed } failed { $unit } again.
} { risk }
warning-again = This starts a new job from the beginning. { risk }

keeps = { $keeps ->
    [0] { "" }
    [one] { " " }Keeps 1 { $kept } that is done.
   *[other] { " " }Keeps { $keeps } { $kept } that are done.
}
safely = { $safety ->
    [safe] { " " }This is safe: nothing is done twice.
   *[other] { "" }
}
plan-failed = { $runs ->
    [one] Runs 1 failed { $unit } again.
   *[other] Runs { $runs } failed { $unit } again.
}{ keeps }{ safely }
plan-all = { $mode ->
    [resumes] Goes on where the job stopped.
   *[starts_fresh] Runs the whole job again from the beginning.
}{ keeps }{ safely }
plan-confirm = { risk } Retry anyway?

## The same click again

age = { $age_unit ->
    [seconds] { $age ->
        [one] 1 second ago
       *[other] { $age } seconds ago
    }
    [minutes] { $age ->
        [one] 1 minute ago
       *[other] { $age } minutes ago
    }
    [hours] { $age ->
        [one] 1 hour ago
       *[other] { $age } hours ago
    }
    [days] { $age ->
        [one] 1 day ago
       *[other] { $age } days ago
    }
   *[now] just now
}
repeat = { $by ->
    [owner] You already started this { age }.
   *[anyone] This was already started { age }.
}
repeat-waiting = { repeat } It is waiting to start.
repeat-again = { repeat } It will try again on its own.
repeat-running = { repeat } It is running.
repeat-canceling = { repeat } It is being stopped.
repeat-asking = { repeat } It needs a fix: { $text }
repeat-gave_up = { repeat } It could not be finished. You can retry it.
repeat-done = { repeat } It is finished.
repeat-partly_done = { repeat } It is finished, but { $failed ->
    [one] 1 { $unit } failed. You can retry only that.
   *[other] { $failed } { $unit } failed. You can retry only those.
}
repeat-partly_done-plain = { repeat } It is finished, but some parts of it failed. You can retry it.
repeat-stopped = { repeat } It was canceled. You can retry it.

## Refusals: what happened, whether the job still runs where that is known, and the next step

job = { $ref ->
    [none] This job
   *[other] Job { $ref }
}
nothing-changed = Nothing was changed.

problem-unauthorized = Your key was not accepted
problem-unauthorized-detail = The request has no key, or its key is unknown, expired or withdrawn. { nothing-changed }
problem-unauthorized-next = Send a valid key as "Authorization: Bearer …", or ask your administrator for a new one.

problem-forbidden = Your key may not do this
problem-forbidden-detail = { $scope ->
    [none] This call needs a permission that your key does not have.
   *[other] This call needs the permission "{ $scope }", which your key does not have.
} { nothing-changed }
problem-forbidden-next = Use a key with this permission, or ask your administrator to allow it.

problem-not-found = Not found
problem-not-found-detail = { $name ->
    [none] Nothing that you may see has this address.
   *[other] Nothing that you may see is called "{ $name }".
}
problem-not-found-next = Check the address. A job is also found in the job list, by its title or by its ID such as EX-7F3K9MQ2.

problem-removed = This was removed
problem-removed-detail = { $name ->
    [none] The personal data behind it was erased, as was asked for. { nothing-changed }
   *[other] The personal data of { $name } was erased, as was asked for. { nothing-changed }
}
problem-removed-next = It can't be brought back. Start a new job if you still need a result.

problem-method-not-allowed = This address does not take that call
problem-method-not-allowed-detail = { $method ->
    [none] This method is not known here.
   *[other] { $method } is not known here.
} { nothing-changed }
problem-method-not-allowed-next = { $allowed ->
    [none] Look the call up in the API description.
   *[other] Use { $allowed }.
}

problem-too-large = This is too large
problem-too-large-detail = { $name ->
    [none] What was sent
   *[other] "{ $name }"
} is larger than we take. { $limit ->
    [none] { "" }
   *[other] The limit is { $limit } { $unit ->
        [items] items
        [jobs] jobs
        [characters] characters
       *[bytes] bytes
    }.{ " " }
}{ nothing-changed }
problem-too-large-next = Try a smaller file, or send it in several parts.

problem-invalid = Something in the request must be corrected
problem-invalid-detail = { $count ->
    [none] Some fields can't be used as they are.
    [one] 1 field can't be used as it is.
   *[other] { $count } fields can't be used as they are.
} { nothing-changed }
problem-invalid-next = Correct what is named under "errors", then send it again.

problem-unknown-type = This kind of job is not known
problem-unknown-type-detail = { $name ->
    [none] No job type has this name.
   *[other] No job type is called "{ $name }".
} Nothing was started.
problem-unknown-type-next = Check the spelling against GET /v1/types, or define the type with PUT /v1/types/NAME.

problem-unknown-upload = The uploaded file is not here
problem-unknown-upload-detail = { $name ->
    [none] The file was never uploaded, or it was removed.
   *[other] The file "{ $name }" was never uploaded, or it was removed.
} { nothing-changed }
problem-unknown-upload-next = Upload the file again, and use the id from the answer.

problem-unknown-job = This job is not known
problem-unknown-job-detail = { $name ->
    [none] No job that you may see has this ID.
   *[other] No job that you may see has the ID "{ $name }".
} { nothing-changed }
problem-unknown-job-next = Look the job up in the job list, and use the id from there.

problem-result-missing = The result is not in its place
problem-result-missing-detail = { $name ->
    [none] The result was not found, or its size or SHA-256 is not what was said.
   *[other] The result "{ $name }" was not found, or its size or SHA-256 is not what was said.
} The job is not finished; it still runs.
problem-result-missing-next = Store the result again, then report the end again.

problem-key-reused = This Idempotency-Key belongs to another request
problem-key-reused-detail = The key was used before, with another body. { nothing-changed } The first request's job is as it was.
problem-key-reused-next = Send the first body again to get its answer, or use a new key for a new request.

problem-lease-outdated = This attempt no longer counts
problem-lease-outdated-detail = { job } has gone on without this attempt: another worker has it, or it has ended. Nothing of this report was written.
problem-lease-outdated-next = Stop this work and throw it away. Then claim the next job.

problem-already-finished = The job has already ended
problem-already-finished-detail = { job } has ended and no longer runs. { nothing-changed }
problem-already-finished-next = Open the job to see its result, or start a new one.

problem-still-running = The job has not ended yet
problem-still-running-detail = { job } is still waiting or running, so it can't be retried now. { nothing-changed }
problem-still-running-next = Wait until it ends, or cancel it first.

problem-nothing-to-retry = There is nothing to retry
problem-nothing-to-retry-detail = { $scope ->
    [failed_items] { job } has no failed items.
   *[all] { job } has finished, and nothing of it failed.
} { nothing-changed }
problem-nothing-to-retry-next = Open the result. For a fresh run, start a new job with "again": true.

problem-confirm-first = Please confirm this retry
problem-confirm-first-detail = { $safety ->
    [may_charge] Retrying could make a new result or another charge.
    [may_duplicate] Retrying could add the same data twice.
   *[none] Retrying may do something twice.
} Nothing was started.
problem-confirm-first-next = Read the plan. To go ahead, retry with "confirm": true and the plan's hash.

problem-plan-changed = The plan has changed
problem-plan-changed-detail = What would run now is not what was shown before. Nothing was started.
problem-plan-changed-next = Read the new plan. To go ahead, confirm with its hash.

problem-newer-twin = A newer job does the same
problem-newer-twin-detail = { $newer ->
    [none] A newer job for the same request is active.
   *[other] Job { $newer }, newer and for the same request, is active.
} { job } was not started again.
problem-newer-twin-next = { $newer ->
    [none] Open the newer job, or cancel it before you retry this one.
   *[other] Open { $newer }, or cancel it before you retry this one.
}

problem-busy = Too many requests at once
problem-busy-detail = { $limit ->
    [none] More requests are waiting than we can take.
   *[other] { $limit } requests are waiting, and that is the limit.
} Nothing of this one was saved. Jobs that were accepted are safe.
problem-busy-next = { $seconds ->
    [none] Send it again in a few seconds.
    [one] Send it again in 1 second.
   *[other] Send it again in { $seconds } seconds.
} With the same Idempotency-Key it will still be one job.

problem-history-damaged = The history was changed
problem-history-damaged-detail = The log does not continue its last checkpoint, so nothing was signed. Running jobs go on.
problem-history-damaged-next = Run `tidings audit verify` to see where, and compare the database with a backup.
problem-broken = This is a mistake of ours
problem-broken-detail = The request met a mistake in the service, so we can't tell whether it was saved. Jobs that were accepted are safe and go on.
problem-broken-next = Send it again with the same Idempotency-Key: it will still be one job. If it fails again, tell support when it happened.

problem-unavailable = We can't save anything right now
problem-unavailable-detail = The database does not answer, so we can't tell whether this request was saved. Jobs that were accepted are safe.
problem-unavailable-next = { $seconds ->
    [none] Send it again in a few seconds.
    [one] Send it again in 1 second.
   *[other] Send it again in { $seconds } seconds.
} With the same Idempotency-Key it will still be one job.

## What the browser says by itself: it can't ask us for these words when it can't reach us

screen-away = We can't be reached right now. Running jobs go on, and this page catches up on its own.
screen-away-click = We can't be reached right now. We keep trying with the same click, so it will still be one job.
screen-refused = This page asked for something that we can't do. It is not your mistake. Please tell the people who run this page.
screen-sending = Starting …
screen-sending-file = Uploading …
screen-started = Started: { $title }. The job ID is { $ref }.
screen-uploading = Uploading { $name }: { $done } of { $total }. Please keep this page open.
screen-upload-cut = The upload was cut off. Nothing was started. Please start it again.
screen-choose-file = Choose a file
screen-file = { $name }, { $size }
screen-file-first = Please choose a file first.
screen-start = Start
screen-copy = Copy the job ID { $ref }
screen-copied = Copied
screen-stages = Steps
screen-stage-done = done
screen-stage-now = now
screen-stage-ahead = still to come
screen-row = Row
screen-column = Column
screen-reason = What is wrong
screen-value = What stands there
screen-which = Which one
screen-more = The file to download has all { $count }.
screen-still-running = The job still runs.
screen-not-running = Nothing runs until you do.
screen-confirm = Before you go ahead
screen-not-now = Not now
screen-fixed-file = Your fixed file
screen-fixed-hint = Choose the file with what you fixed. Without one, the same content is tried again.
screen-again-private = Some of what this job was started with is private, so we can't start it again from here. Please start it where you started it first.
screen-place = In a moment this shows how your job stands.
screen-loading = Looking for your job …
screen-not-found = This job can't be found. It may belong to somebody else.
screen-quiet = Quiet for a while
screen-stuck = Stuck
screen-at-created = Started { $time }
screen-at-finished = Ended { $time }
screen-jobs = Your jobs
screen-jobs-none = No jobs yet. Whatever you start will appear here.
screen-jobs-blocked = Needs you
screen-jobs-open = In progress
screen-jobs-ended = Earlier
screen-jobs-older = Show older jobs

## The demo page

demo-title = A busy morning
demo-lead = Three slow tasks, as a product would show them. Click twice, reload, open a second tab, close this one: each time it stays one job.
demo-export = Orders
demo-export-text = Export 50,000 orders to a CSV file.
demo-export-button = Export orders
demo-export-title = Export of 50,000 orders
demo-import = Customers
demo-import-text = Import customers from a CSV file of yours, or from our sample.
demo-import-button = Import customers
demo-import-title = Import of customers
demo-import-sample = Use the sample: 4,200 customers
demo-ai = Call notes
demo-ai-text = Let AI summarize 28 notes from customer calls.
demo-ai-button = Summarize notes
demo-ai-title = Summaries of 28 call notes
demo-trouble = Make things go wrong
demo-trouble-text = Each of these is real. Watch what the screens say.
demo-slow = Slow morning
demo-slow-text = New jobs take three times as long.
demo-rows = Bad rows
demo-rows-text = The sample file has four rows with a mistake.
demo-lose = Lose the worker
demo-lose-text = Ends the program that works on your newest job, without warning.
demo-lose-button = Pull the plug
demo-lose-done = It is gone. The job goes on elsewhere in a few seconds.
demo-lose-none = Nothing of yours is running right now. Start a job first.
demo-cut = Cut this page off
demo-cut-text = This page can't reach us for 20 seconds. Everything else goes on.
demo-cut-button = Cut it off for 20 seconds
demo-cut-on = Cut off. Click what you like, it will not be lost.
demo-cut-off = Connected again.
demo-language = Deutsch
demo-console = Console
demo-new-person = Start over as somebody new

## The console for operators

console-title = Console
console-key = API key
console-key-hint = Paste the key that was shown when Tidings started. It stays in this tab and is forgotten when you close it.
console-open = Open
console-key-bad = This key was not accepted.
console-close = Forget the key
console-demo = Demo
console-now = Right now
console-waiting = Waiting
console-later = Scheduled
console-oldest = Longest wait
console-running = Running
console-workers = Workers with a job
console-done = Finished, last 5 minutes
console-repeats = Duplicates prevented
console-type = Kind of job
console-jobs = Jobs
console-search = Title, ref or ID
console-owner = Owner
console-state = State
console-any = Any
console-none = No job matches.
console-searching = Searching further back …
console-pick = Pick { $ref }
console-picked = { $count } picked
console-cancel = Cancel the picked …
console-retry = Retry the picked …
console-preview = This will happen
console-cannot = Not possible now
console-go = Go ahead
console-leave = Leave it
console-history = History
console-history-hint = Choose a job to see all that happened to it.
console-at = What the screen said at this moment
console-estimates-tab = Estimates
console-estimates = Estimates against what happened
console-estimates-none = No estimate has been judged yet. The first ones come when enough jobs of a kind have ended.
console-estimates-hint = A range is meant to hold for 8 of 10 jobs, an upper bound for 9 of 10. A bar is what people were told, a dot is what came; a hollow dot is a miss.
console-estimates-unsaid = Nothing was said yet about how long this kind of job takes.
console-estimates-plot = The last { $count } answers: { $done } held.
console-estimates-of-queue = Before the start
console-estimates-of-work = The work itself
console-estimates-of-total = All together
console-estimates-of-work_at_start = The work, said at its start
console-estimates-of-queue_shown = Before the start, as last shown
console-estimates-of-work_shown = The work, as last shown
console-estimates-what = What
console-estimates-answers = Jobs
console-estimates-held = Range held
console-estimates-below = Came sooner
console-estimates-above = Came later
console-estimates-bounds_held = Bound held
console-estimates-no = Nothing said
console-estimates-width = Longest ÷ shortest
console-estimates-worst_stretch = Worst 200 in a row
console-types = Kinds of job
console-workers-none = No worker holds a job right now.
console-worker-jobs = Jobs in hand: { $count }
console-more = and { $count } more
console-pick-all = Pick all that match
console-looking = Looking: { $done } of { $total }
console-doing = Working: { $done } of { $total }
console-did = Done: { $done } of { $total }.
console-did-some = Done: { $done } of { $total }. The others had changed meanwhile; the list shows how they are now.
console-touches = This will happen to { $done } of the { $total } picked:
console-kinds-none = No kind of job is defined yet.
console-kind-steps = Steps
console-kind-same = When two clicks are one
console-kind-while_active = While the first one is open, if these are the same: { $name }.
console-kind-period = Within { $time } of the first one, if these are the same: { $name }.
console-kind-forever = For ever, if these are the same: { $name }.
console-kind-never = Never: each click starts a job of its own.
console-kind-retry = A retry
console-kind-safe = It is safe: nothing is done twice.
console-kind-may_duplicate = It could add data twice, so it is confirmed first.
console-kind-may_charge = It could make a new result or another charge, so it is confirmed first.
console-kind-resumes = It goes on where the job stopped.
console-kind-starts_fresh = It starts from the beginning.
console-kind-tries = Tries before a person is asked
console-kind-limits = At the same time
console-kind-per_owner = For one owner: { $count }.
console-kind-per_tenant = For all owners together: { $count }.
console-kind-total = On the whole service: { $count }.
console-kind-unlimited = As many as there are workers for.
console-kind-silent = A silent worker
console-kind-lease = After { $time } without a sign of life, another one takes over.
console-kind-result = Where the result is
console-private = Private
event-JobRequested = Clicked: the job was saved
event-RequestRepeated = Clicked again: met this job
event-JobQueued = Waiting for a free worker
event-JobDelayed = Waits longer than it should
event-AttemptStarted = A worker began
event-StageStarted = Next step
event-ProgressReported = Progress
event-ItemsFailed = Items need attention
event-ResultStored = The result was stored
event-JobFinished = Finished
event-NeedsFix = Needs a fix
event-AttemptFailed = The try failed
event-AttemptLost = The worker gave no more sign of life
event-AttemptReleased = The worker gave it back
event-AttemptQuiet = No progress for a while
event-AttemptStuck = Stuck
event-RetryRequested = Retry was asked for
event-RetryScheduled = Another try was planned
event-CancelRequested = Asked to stop
event-JobCanceled = Stopped
event-LateReportRefused = An outdated report was refused
event-EstimateStated = The wait was stated anew
event-JobTypeDefined = The job type was set up or changed
event-AuditRead = Somebody read the history
event-PersonErased = A person's data was removed

# In the place of what was private to a person whose data was erased.
private-removed = Removed

# The story of a job that `tidings audit replay` tells. $who is a person's or a service's name.
told-by-user = { $who }
told-by-service = { $who }, a service
told-by-worker = { $who }, a worker
told-by-system = Tidings
told-detail = { $happened }: { $detail }
told-none = { $tenant } has no job { $job }. Check the reference, or name another tenant with --tenant.
told-none-yet = The job { $job } was not there yet. Choose a later time.
told-all-same = All { $jobs } jobs of { $events } events are shown as the log says.
told-all-differ = { $count } of { $jobs } jobs are not shown as the log says. They are in { $folder }.
