"use strict";
// Draws many points: by WebGL, or where there is none on a plain canvas, more slowly. Each has a place (two numbers
// from 0 to 1), a size across in pixels, a colour and a shape; the first of them lie on top, and `draw` can be asked
// for these alone.

// By number: circle, square, triangle, diamond, triangle downwards, plus, cross, pentagon; in a box from -1 to 1.
const SHAPES = [
  "M1,0A1,1,0,1,1-1,0A1,1,0,1,1,1,0Z",
  "M-.87-.87H.87V.87H-.87Z",
  "M0-1L.87,.5H-.87Z",
  "M0-1L1,0L0,1L-1,0Z",
  "M0,1L.87-.5H-.87Z",
  "M-.38-1H.38V-.38H1V.38H.38V1H-.38V.38H-1V-.38H-.38Z",
  "M-.98-.44L-.44-.98L0-.54L.44-.98L.98-.44L.54,0L.98,.44L.44,.98L0,.54L-.44,.98L-.98,.44L-.54,0Z",
  "M0-1L.95-.31L.59,.81H-.59L-.95-.31Z",
];

const VERTEX = `
attribute vec2 place;
attribute vec4 colour;
attribute vec2 form;  // size, shape
uniform vec2 middle, stretch;
uniform float scale;
varying vec4 tint;
varying float across, shape;
void main() {
  gl_Position = vec4((place - middle) * stretch, 0., 1.);
  across = max(form.x * scale, 2.);
  gl_PointSize = across;
  shape = form.y;
  tint = colour;
}`;

// How far a pixel is from the middle, where 1 is the outline.
const FRAGMENT = `
precision mediump float;
varying vec4 tint;
varying float across, shape;
float plus(vec2 p) { return min(max(p.x, p.y * 2.63), max(p.x * 2.63, p.y)); }
void main() {
  vec2 p = 2. * gl_PointCoord - 1., q = abs(p);
  float up = shape > 3.5 ? p.y : -p.y, far = length(p);
  if (shape > 6.5) far = 1.236 * max(-up, max(.588 * q.x + .809 * up, .951 * q.x - .309 * up));
  else if (shape > 5.5) far = plus(abs(vec2(p.x + p.y, p.x - p.y)) * .707);
  else if (shape > 4.5) far = plus(q);
  else if (shape > 3.5 || (shape > 1.5 && shape < 2.5)) far = 2. * max(-up, .866 * q.x + .5 * up);
  else if (shape > 2.5) far = q.x + q.y;
  else if (shape > .5) far = 1.15 * max(q.x, q.y);
  float cover = clamp((1. - far) * across * .5 + .5, 0., 1.) * tint.a;
  gl_FragColor = vec4(tint.rgb * cover, cover);
}`;

function pointsOn(canvas, xs, ys, sizes) {
  const n = xs.length;
  const gl = canvas.getContext("webgl", { antialias: false, premultipliedAlpha: true });
  return gl ? byWebGL() : byHand();

  function byWebGL() {
    let program, colours, worn;
    const backwards = (count, width, of) => {
      const array = new (width < 0 ? Float32Array : Uint8Array)(count * Math.abs(width));
      for (let i = 0; i < count; i++) of(array, (count - 1 - i) * Math.abs(width), i);
      return array;
    };
    const attribute = (name, width, type, normal, array) => {
      const buffer = gl.createBuffer(), at = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, width, type, normal, 0, 0);
      return buffer;
    };
    const build = () => {
      program = gl.createProgram();
      for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, text);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      gl.useProgram(program);
      attribute("place", 2, gl.FLOAT, false, backwards(n, -2, (to, at, i) => { to[at] = xs[i]; to[at + 1] = ys[i]; }));
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      colours = null;
    };
    const dress = (rgba, shapes) => {
      worn = [rgba, shapes];
      if (colours) colours.forEach(buffer => gl.deleteBuffer(buffer));
      colours = [
        attribute("colour", 4, gl.UNSIGNED_BYTE, true,
          backwards(n, 4, (to, at, i) => { for (let c = 0; c < 4; c++) to[at + c] = rgba[4 * i + c]; })),
        attribute("form", 2, gl.FLOAT, false,
          backwards(n, -2, (to, at, i) => { to[at] = sizes[i]; to[at + 1] = shapes[i]; })),
      ];
    };
    canvas.addEventListener("webglcontextlost", event => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      build();
      dress(...worn);
      canvas.dispatchEvent(new Event("redraw"));
    });
    build();
    return {
      plain: false, dress,
      draw(view, width, height, ratio, grow, shown = n) {
        gl.viewport(0, 0, canvas.width, canvas.height);
        gl.clearColor(0, 0, 0, 0);
        gl.clear(gl.COLOR_BUFFER_BIT);
        gl.uniform2f(gl.getUniformLocation(program, "middle"), view.x, view.y);
        gl.uniform2f(gl.getUniformLocation(program, "stretch"), 2 * view.k / width, 2 * view.k / height);
        gl.uniform1f(gl.getUniformLocation(program, "scale"), ratio * grow);
        gl.drawArrays(gl.POINTS, n - shown, shown);
      },
    };
  }

  function byHand() {
    const pen = canvas.getContext("2d"), paths = SHAPES.map(text => new Path2D(text));
    let rgba, shapes;
    return {
      plain: true,
      dress(given, forms) { rgba = given; shapes = forms; },
      draw(view, width, height, ratio, grow, shown = n) {
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        pen.clearRect(0, 0, width, height);
        for (let i = shown - 1; i >= 0; i--) {
          const x = (xs[i] - view.x) * view.k + width / 2, y = height / 2 - (ys[i] - view.y) * view.k;
          if (x < 0 || y < 0 || x > width || y > height) continue;
          const r = Math.max(1, sizes[i] * grow / 2);
          pen.fillStyle = `rgb(${rgba[4 * i]} ${rgba[4 * i + 1]} ${rgba[4 * i + 2]} / ${rgba[4 * i + 3] / 255})`;
          if (n > 5000 || r < 2) { pen.fillRect(x - r, y - r, 2 * r, 2 * r); continue; }
          pen.setTransform(ratio * r, 0, 0, ratio * r, ratio * x, ratio * y);
          pen.fill(paths[shapes[i]]);
          pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        }
      },
    };
  }
}
