"""A reading path → a `Run`. The parent's side keeps deadlines and limits; the other side runs the code.

The parent's side:
    `execute`      the paths of a chapter, from start to end; `plan`, where they begin
    `job`          what a worker is told; `branch`, what its parent knows of it; `collect`, runs from what it tells
    `failures`     why a cell failed, in words for its author; `advice`, what to do about it
    `pool`         where workers come from; `kept`, from one build to the next; `checkpoints`, what can be gone on from
    `launcher`     starts processes; `processes` counts and ends them

The other side, in processes of its own:
    `server`       forks workers, made ready by `preload`
    `sleeper`      a copy of a worker, to go on from; `children`, what both have forked; `moving`, where its code
                   stands now
    `worker`       runs cells in a `session`, with `capture`, `guard`, `folders`, `seeding` and `measuring`
"""
