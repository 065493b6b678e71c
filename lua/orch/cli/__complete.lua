-- `orch __complete FD SHELL BREAKS LINE`, for the functions of `orch completion`: what may
-- follow LINE goes to the file descriptor FD, because a script's body may print. The first
-- line says "words" or "files" (the shell shall complete a path), each other one is a word
-- and, after a tab, what it is. Nothing is ever said on stderr: a person is typing.

local function one_line(text)
  return (text:gsub("%s+", " "))
end

--- bash replaces only what follows the last of its word breaks: "build:ios" is two words.
local function known_already(word, breaks)
  for at = #word, 1, -1 do
    local c = word:sub(at, at)
    if (c == ":" or c == "=") and breaks:find(c, 1, true) then return at end
  end
  return 0
end

local function answer(words)
  local shell, breaks, line = words[2], words[3], words[4]
  local found = require("orch.cli.complete").line(line)
  local skip = shell == "bash" and known_already(found.word, breaks) or 0
  local out = { found.files and "files" or "words" }
  for _, item in ipairs(found.items) do
    local word = item[1]:sub(skip + 1)
    if not word:find "[\n\t]" then
      out[#out + 1] = shell ~= "bash" and item[2] and word .. "\t" .. one_line(item[2]) or word
    end
  end
  return table.concat(out, "\n") .. "\n"
end

---@async
---@param words string[]
---@return integer exit_code
return function(words)
  if #words ~= 4 then return 2 end
  local ok, text = pcall(answer, words)
  local file = io.open("/dev/fd/" .. words[1], "a")
  if not file then return 1 end
  file:write(ok and text or "words\n")
  file:close()
  return 0
end
