"""What a slider brings into a page: its style, and the few lines of script that move it."""

STYLE = """<style>
.tutorial-frames{max-width:100%;overflow:hidden;color:inherit;
--jp-widgets-slider-handle-size:28px;--jp-widgets-inline-height:44px;
--jp-widgets-slider-track-thickness:6px}
.tutorial-frames .widget-html-content,.tutorial-frames .widget-label,.tutorial-frames label{
color:inherit;line-height:1.4;font-size:1rem}
.tutorial-frames .widget-label{line-height:44px}
.tutorial-frames .widget-html,.tutorial-frames .widget-html-content{width:100%;margin:0}
.tutorial-frames .tutorial-frame{margin:0;padding:0;font-variant-numeric:tabular-nums}
.tutorial-frames .slider-container{margin:0 18px}
.tutorial-frames .noUi-target{background:#8c959f}
.tutorial-frames .noUi-handle{background:#0a66c2;border:2px solid #fff;
box-shadow:0 0 0 1px #57606a;cursor:grab;touch-action:none}
.tutorial-frames .noUi-handle:after{content:"";display:block;position:absolute;background:none;
inset:-8px;left:-8px;top:-8px;width:auto;height:auto}
.tutorial-frames .noUi-handle:focus-visible{outline:3px solid #ffbf47;outline-offset:2px}
.tutorial-frames label:has(input){display:flex;align-items:center;gap:.6em}
.tutorial-frames input[type=range]{flex:1;min-width:0;height:44px;margin:0;accent-color:#0a66c2}
.tutorial-frames button{font:inherit;min-width:7em;min-height:44px;color:#fff;background:#0a66c2;
border:0;border-radius:4px;cursor:pointer}
.tutorial-frames button:focus-visible{outline:3px solid #ffbf47;outline-offset:2px}
</style>"""

# ipywidgets gives the handle of a slider no name that a screen reader can say, and JupyterLab takes
# the arrow keys for itself. Nothing but script can mend either: this runs when a frame appears.
NAME_SLIDERS = (
    "const image=this,name=tries=>{const root=image.closest('.tutorial-frames'),"
    "handles=root?[...root.querySelectorAll('[role=slider]')]:[];"
    "if(!handles.length){if(tries)setTimeout(name,100,tries-1);return}"
    "root.dataset.lmSuppressShortcuts='true';root.onkeydown=event=>event.stopPropagation();"
    "const text=image.parentNode.querySelector(':scope>figcaption').textContent;"
    "for(const handle of handles){"
    "handle.setAttribute('aria-label',"
    "handle.closest('.widget-slider').querySelector('label').textContent);"
    "handle.setAttribute('aria-valuetext',text)}};name(20)"
)
HOOK = (
    f'<img hidden alt="" onload="{NAME_SLIDERS}" '
    'src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==">'
)

CHOOSE_FRAME = (
    "const root=this.closest('.tutorial-frames'),inputs=[...root.querySelectorAll('input')],"
    "frames=root.querySelectorAll('.tutorial-frame');"
    "const at=inputs.reduce((k,input)=>k*(+input.max+1)+ +input.value,0);"
    "frames.forEach((frame,i)=>frame.hidden=i!==at);"
    "const text=frames[at].querySelector(':scope>figcaption').textContent;"
    "for(const input of inputs)input.setAttribute('aria-valuetext',text)"
)

# The Play widget fails where the page's theme turns icon elements into SVG, as that of Jupyter
# Book does. This button presses the slider's keys instead.
PLAY = (
    "const button=this,root=this.closest('.tutorial-frames'),"
    "slider=root.querySelector('[role=slider],input'),"
    "pause=()=>{{clearInterval(button.timer);button.timer=0;button.textContent='▶ play'}},"
    "step=()=>{{if(!button.isConnected)return pause();"
    "if(slider.tagName==='INPUT'){{slider.value=slider.value===slider.max?0:+slider.value+1;"
    "slider.oninput()}}else{{const end=slider.ariaValueNow===slider.ariaValueMax;"
    "slider.dispatchEvent(new KeyboardEvent('keydown',{{key:end?'Home':'ArrowRight'}}))}}}};"
    "if(button.timer)pause();"
    "else{{button.textContent='❚❚ pause';button.timer=setInterval(step,{interval});step()}}"
)
