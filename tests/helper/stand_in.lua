--- A program that stands in for another: it notes how it was called, prints what it is told,
--- and ends as it is told.
---
---     local butler = stand_in(folder .. "/butler")
---     butler:says { 'echo hello', 'exit 1' }        -- lines for /bin/sh; `$1` is the command
---     butler:calls()                                -- { { "push", "--json", ... }, ... }

local fs = orch.fs

local StandIn = {}
StandIn.__index = StandIn

---@param lines string[] shell; what `cat <<'END'` prints goes between two of them
function StandIn:says(lines)
  fs.write(self.path, ([[#!/bin/sh
{ for word in "$@"; do printf '%%s\n' "$word"; done; echo; } >> %q
env > %q
%s
]]):format(self.path .. ".calls", self.path .. ".env", table.concat(lines, "\n")))
  orch.process.run { "chmod", "+x", self.path }
end

---@return string[][]
function StandIn:calls()
  local calls = {}
  if not fs.exists(self.path .. ".calls") then return calls end
  for call in fs.read(self.path .. ".calls"):gmatch "(.-)\n\n" do
    local words = {}
    for word in (call .. "\n"):gmatch "([^\n]*)\n" do words[#words + 1] = word end
    calls[#calls + 1] = words
  end
  return calls
end

---What it had in its environment at the last call.
---@return string?
function StandIn:env(name)
  return ("\n" .. fs.read(self.path .. ".env")):match("\n" .. name .. "=([^\n]*)")
end

---@async
---@param path string
return function(path)
  return setmetatable({ path = path }, StandIn)
end
