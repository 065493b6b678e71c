--- Colours, or none: a function that paints text by the name of what it is.
---
---     local paint = painter(tty.color "stdout")
---     io.write(paint("fail", "bad"), "\n")

local codes = {
  good = "32", bad = "31;1", warn = "33", dim = "2", strong = "1", bar = "36",
}

--- Of jobs, told apart by their names; red is for failures.
local names = { "36", "35", "34", "33", "32", "96", "95", "94", "93", "92" }

local function name_code(name)
  local sum = 0
  for i = 1, #name do sum = (sum * 31 + name:byte(i)) % 1000003 end
  return names[sum % #names + 1]
end

---@param on boolean
---@return fun(text: string, what: string, name?: string): string paint what: good, bad, warn,
---  dim, strong, bar; or "name", which gives the colour that belongs to `name`
return function(on)
  if not on then return function(text) return text end end
  return function(text, what, name)
    if text == "" then return text end
    local code = what == "name" and name_code(name) or codes[what]
    return ("\27[%sm%s\27[0m"):format(code, text)
  end
end
