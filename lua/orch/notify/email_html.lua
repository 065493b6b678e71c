--- The HTML form of a message: the same words, with a coloured bar, and a table of fields.

local colors = { good = "#2eb67d", warning = "#ecb22e", danger = "#e01e5a" }
local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
  return (text:gsub('[&<>"]', entities))
end

local FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;"
  .. "font-size:14px;line-height:1.45;color:#1d1c1d;"
  .. "overflow-wrap:anywhere;word-break:break-word"
local CODE = "background:#f6f6f6;padding:8px 10px;border-radius:4px;white-space:pre-wrap;"
  .. "font-family:Consolas,Menlo,monospace;font-size:12px"

local function add_text(out, text)
  for i, part in ipairs(require "orch.notify.fences"(text)) do
    if part ~= "" and i % 2 == 0 then
      out[#out + 1] = ('<pre style="%s">%s</pre>'):format(CODE, escape(part))
    elseif part ~= "" then
      out[#out + 1] = "<p>" .. escape(part):gsub("\n", "<br>\n") .. "</p>"
    end
  end
end

local function add_fields(out, fields)
  out[#out + 1] = '<table style="border-collapse:collapse">'
  for _, field in ipairs(fields) do
    out[#out + 1] = ('<tr><td style="padding:2px 16px 2px 0;color:#616061">%s</td><td>%s</td></tr>')
      :format(escape(field[1]), (escape(field[2]):gsub("\n", "<br>")))
  end
  out[#out + 1] = "</table>"
end

---@param c orch.notify.Content
---@return string html
return function(c)
  local bar = colors[c.color] and ("border-left:4px solid %s;padding-left:12px;"):format(
    colors[c.color]) or ""
  local out = { ('<!DOCTYPE html>\n<html><body><div style="%s%s">'):format(bar, FONT) }
  if c.title then
    out[#out + 1] = ('<h2 style="font-size:17px;margin:0 0 8px">%s</h2>'):format(escape(c.title))
  end
  if c.text then add_text(out, c.text) end
  if c.fields then add_fields(out, c.fields) end
  if c.link then
    out[#out + 1] = ('<p><a href="%s">%s</a></p>'):format(escape(c.link.url),
      escape(c.link.text or c.link.url))
  end
  out[#out + 1] = "</div></body></html>"
  return table.concat(out, "\n")
end
