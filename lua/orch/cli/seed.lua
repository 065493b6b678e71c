-- A seed for a run that was given none: another one for each process, also where
-- addresses are not random (Lua's own seed is made of addresses and the second).

---@return integer seed from 0 to 2^31 - 1
return function()
  local nanoseconds = require("orch.core.clock").now() * 1e9 // 1 | 0
  return (nanoseconds ~ os.time() << 16) & 0x7fffffff
end
