-- os.exit unwinds: what is to be closed is closed.
local _ <close> = setmetatable({}, { __close = function() print("closed") end })
os.exit(42)

-- out: closed
-- exit: 42
