-- Blocking reads of stdin work.
print(io.read("l"))

-- stdin: hello there
-- out: hello there
