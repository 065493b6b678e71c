--- What `orch check --fix` has done, file by file.
---
---     told.write(result, write)

local say = require "orch.check.report.say"
local tty = require "orch.tty"
local text = require "orch.view.text"

local MOST = 40 -- lines of each kind

local told = {}

local function columns(list)
  local widest = 0
  for i = 1, math.min(#list, MOST) do
    widest = math.max(widest, tty.width(say.name(list[i].path)))
  end
  return math.min(widest, 50)
end

local function more(list, word, write)
  if #list > MOST then write(("and %d more %s\n"):format(#list - MOST, word)) end
end

---@param result orch.check.Result with `fixed` and `unfixed`
---@param write fun(text: string)
function told.write(result, write)
  local paint = require "orch.view.paint"(tty.color "stdout")
  local width = columns(result.fixed)
  for i = 1, math.min(#result.fixed, MOST) do
    local one = result.fixed[i]
    write(("%s   %s  %s\n"):format(paint("fixed", "good"), text.pad(say.name(one.path), width),
      say.line(one.label)))
  end
  more(result.fixed, "fixed", write)
  for i = 1, math.min(#result.unfixed, MOST) do
    local one = result.unfixed[i]
    write(("%s  %s  %s\n"):format(paint("failed", "bad"), say.name(one.path),
      say.line(one.label)))
    write(("          %s\n"):format(say.line(one.why)))
  end
  more(result.unfixed, "not fixed", write)
  if #result.fixed + #result.unfixed > 0 then write "\n" end
end

return told
