--- What is said to a model, in one form for all providers.
---
---     provider:chat "Hello"
---     provider:chat { "What is this?", { image = "a.png" } }
---     provider:chat { { role = "system", content = "Be brief." },
---       { role = "user", content = "Hello" } }

local arg = require "orch.arg"
local image = require "orch.ai.image"

local message = {}

---@class orch.ai.Message
---@field role "system"|"user"|"assistant"|"tool"
---@field content string|orch.ai.Part[]|table|nil of a tool: its result, a text or a table
---@field tool_calls orch.ai.ToolCall[]? what the model (role `assistant`) wanted to call
---@field id string? of a tool: the `id` of the call that this is the result of
---@field name string? of a tool: its name
---@field failed boolean? of a tool: the call failed, `content` says how
---@field protocol string? with `native`, in the `message` of an answer: the same in the
---@field native any? provider's own words, for thoughts and signatures it wants back

---@alias orch.ai.Part string|{text: string}|{image: string|table}

local roles = { system = true, user = true, assistant = true, tool = true }

local message_fields = {
  role = "string", content = "string|table", tool_calls = "table", id = "string",
  name = "string", failed = "boolean", protocol = "string", native = "any",
}

local function read_part(fname, part)
  if type(part) == "string" then return { text = part } end
  if type(part) == "table" then
    if type(part.text) == "string" then return { text = part.text } end
    if part.image ~= nil then return { image = image.read(fname, part.image) } end
  end
  arg.fail("%s: a part of a message should be a text, { text = ... } or { image = ... }, not %s",
    fname, arg.describe(part))
end

local function read_parts(fname, content)
  if content == nil then return {} end
  if type(content) == "string" then return content ~= "" and { { text = content } } or {} end
  if content.text or content.image then return { read_part(fname, content) } end
  local parts = {}
  for i, part in ipairs(content) do parts[i] = read_part(fname, part) end
  return parts
end

local function check_role(fname, i, role)
  if roles[role] then return end
  local near = role and arg.suggest(role, arg.keys_of(roles))
  arg.fail("%s: message %d: the role should be system, user, assistant or tool, not %s%s", fname,
    i, arg.describe(role), near and ("; did you mean '%s'?"):format(near) or "")
end

local function read_message(fname, i, given)
  local m = arg.options(("%s: message %d"):format(fname, i), given, message_fields)
  check_role(fname, i, m.role)
  if m.role == "tool" then
    if not (m.id or m.name) or m.content == nil then
      arg.fail("%s: message %d: the result of a tool needs `id` and `name` of the call, and "
        .. "`content`", fname, i)
    end
    return m
  end
  m.parts = read_parts(fname, m.content)
  if #m.parts == 0 and not m.tool_calls and not m.native then
    arg.fail("%s: message %d says nothing", fname, i)
  end
  return m
end

local function is_message(value)
  return type(value) == "table" and (value.role ~= nil or value.content ~= nil)
end

local function read_list(fname, prompt)
  if type(prompt) == "string" then
    return { { role = "user", content = prompt } }
  elseif type(prompt) ~= "table" then
    arg.fail("%s: argument 1 should be a text or a list of messages, not %s", fname,
      arg.describe(prompt))
  elseif is_message(prompt) then
    return { prompt }
  elseif is_message(prompt[1]) then
    return prompt
  elseif prompt.messages ~= nil then
    arg.fail("%s: argument 1 is the list of messages itself: { { role = \"user\", content = ... } }",
      fname)
  elseif prompt[1] == nil and (prompt.text or prompt.image) == nil then
    arg.fail("%s: argument 1 is an empty list of messages", fname)
  end
  return { { role = "user", content = prompt } }
end

local function text_of(parts)
  local texts = {}
  for _, part in ipairs(parts) do texts[#texts + 1] = part.text end
  return table.concat(texts, "\n")
end
message.text_of = text_of

---Reads a prompt.
---@async
---@param fname string
---@param prompt string|orch.ai.Message|orch.ai.Message[]|orch.ai.Part[]
---@param system string? said before everything else
---@return table[] messages without the system's, each with `parts`: {text=} or {image=}
---@return string? system all of them in one text
function message.read(fname, prompt, system)
  local messages, instructions = {}, { system }
  for i, given in ipairs(read_list(fname, prompt)) do
    local m = read_message(fname, i, given)
    if m.role == "system" then
      instructions[#instructions + 1] = text_of(m.parts)
    else
      messages[#messages + 1] = m
    end
  end
  if #messages == 0 then arg.fail("%s: there is only a system message; say something", fname) end
  return messages, instructions[1] and table.concat(instructions, "\n\n") or nil
end

return message
